#include "common/rollouts/stragglers.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

constexpr int kPatienceFactor = 4;
// Patience and fences double no more often than this. By then, patience is over ten minutes, and a fence its longest.
constexpr int kMaxDoublings = 6;

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

void FencedWorkers::Fence(const std::string& worker_id, absl::Time now) {
  if (entries_.size() >= kMaxFencedWorkers && !entries_.contains(worker_id)) ForgetOldest();
  Entry& entry = entries_[worker_id];
  const int doublings = std::min(entry.times++, kMaxDoublings);
  entry.fenced = now;
  entry.until = now + std::min(kFirstFence * (1 << doublings), kLongestFence);
}

void FencedWorkers::ForgetOldest() {
  const auto oldest = std::min_element(entries_.begin(), entries_.end(),
                                       [](const auto& a, const auto& b) { return a.second.fenced < b.second.fenced; });
  spdlog::warn("{} workers are fenced already: worker '{}' is no longer", entries_.size(), oldest->first);
  entries_.erase(oldest);
}

absl::Status FencedWorkers::Check(const std::string& worker_id, absl::Time now) const {
  const auto found = entries_.find(worker_id);
  if (found == entries_.end() || found->second.until <= now) return absl::OkStatus();
  const absl::Duration left = absl::Ceil(found->second.until - now, absl::Milliseconds(100));
  return absl::FailedPreconditionError(absl::StrCat("worker '", worker_id, "' kept others waiting and is refused for ",
                                                    absl::FormatDuration(left), " more"));
}

}  // namespace understudy
