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

inline constexpr std::array kRejectionReasons = {kRejectedDuplicate, kRejectedSurplus, kRejectedStale,
                                                 kRejectedMalformed};

inline bool IsRejectionReason(std::string_view reason) {
  return std::find(kRejectionReasons.begin(), kRejectionReasons.end(), reason) != kRejectionReasons.end();
}

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_REJECTION_H_
