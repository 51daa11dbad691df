// Shows as JSON how many trajectories were produced, accepted, rejected and lost.
#ifndef UNDERSTUDY_CLI_ACCOUNTING_JSON_H_
#define UNDERSTUDY_CLI_ACCOUNTING_JSON_H_

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// Returns {produced, accepted, rejected, rejected_by_reason: {reason: count}, lost, in_flight}.
inline nlohmann::ordered_json AccountingJson(const v1::TrajectoryAccounting& accounting) {
  const std::map<std::string, int64_t> rejected(accounting.rejected().begin(), accounting.rejected().end());
  int64_t total = 0;
  for (const auto& [reason, count] : rejected) total += count;
  return {
      {"produced", accounting.produced()}, {"accepted", accounting.accepted()}, {"rejected", total},
      {"rejected_by_reason", rejected},    {"lost", accounting.lost()},         {"in_flight", accounting.in_flight()}};
}

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_ACCOUNTING_JSON_H_
