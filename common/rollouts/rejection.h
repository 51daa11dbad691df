// Why a sink rejects trajectories: the reasons of v1::TrajectoryAccounting, which are the same on all ways.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_REJECTION_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_REJECTION_H_

#include <algorithm>
#include <array>
#include <string_view>

namespace understudy {

inline constexpr std::string_view kRejectedDuplicate = "duplicate";  // it was there already
inline constexpr std::string_view kRejectedSurplus = "surplus";      // no longer needed
inline constexpr std::string_view kRejectedStale = "stale";          // its request is over, somebody else has it
inline constexpr std::string_view kRejectedMalformed = "malformed";  // refused as invalid

inline bool IsRejectionReason(std::string_view reason) {
  constexpr std::array kReasons = {kRejectedDuplicate, kRejectedSurplus, kRejectedStale, kRejectedMalformed};
  return std::find(kReasons.begin(), kReasons.end(), reason) != kReasons.end();
}

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_REJECTION_H_
