// The account of trajectories: why sinks reject some, and how accounts are added up.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_ACCOUNTING_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_ACCOUNTING_H_

#include <algorithm>
#include <array>
#include <string_view>

#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// The reasons for rejections in v1::TrajectoryAccounting. Actors and sinks use the same.
inline constexpr std::string_view kRejectedDuplicate = "duplicate";  // the sink had it already
inline constexpr std::string_view kRejectedSurplus = "surplus";      // nobody needs it any more
inline constexpr std::string_view kRejectedStale = "stale";          // its request is over, another actor has the work
inline constexpr std::string_view kRejectedMalformed = "malformed";  // it is invalid

inline constexpr std::array kRejectionReasons = {kRejectedDuplicate, kRejectedSurplus, kRejectedStale,
                                                 kRejectedMalformed};

inline bool IsRejectionReason(std::string_view reason) {
  return std::find(kRejectionReasons.begin(), kRejectionReasons.end(), reason) != kRejectionReasons.end();
}

// Returns the sum of two accounts, reason by reason.
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
