// Accountings added up.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_ACCOUNTING_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_ACCOUNTING_H_

#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// Sum of two, reason by reason.
inline v1::TrajectoryAccounting Sum(v1::TrajectoryAccounting one, const v1::TrajectoryAccounting& other) {
  one.set_produced(one.produced() + other.produced());
  one.set_accepted(one.accepted() + other.accepted());
  for (const auto& [reason, count] : other.rejected()) (*one.mutable_rejected())[reason] += count;
  one.set_lost(one.lost() + other.lost());
  one.set_in_flight(one.in_flight() + other.in_flight());
  return one;
}

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_ACCOUNTING_H_
