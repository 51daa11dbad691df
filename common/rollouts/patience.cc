#include "common/rollouts/patience.h"

#include <algorithm>

namespace understudy {
namespace {

// Beyond, patience no longer doubles: it is over ten minutes then.
constexpr int kMaxDoublings = 6;
constexpr int kPatienceFactor = 4;

}  // namespace

absl::Duration Patience::current() const {
  const int doublings = std::min(fences_since_result_, kMaxDoublings);
  return std::max(kShortestPatience + longest_simulated_, kPatienceFactor * longest_wait_) * (1 << doublings);
}

void Patience::NoteRequest(absl::Duration simulated) { longest_simulated_ = std::max(longest_simulated_, simulated); }

void Patience::NoteResult(absl::Duration waited) {
  longest_wait_ = std::max(longest_wait_, waited);
  fences_since_result_ = 0;
}

void Patience::NoteFence() { ++fences_since_result_; }

}  // namespace understudy
