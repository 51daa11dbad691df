#include "common/rollouts/fenced_workers.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

// Doublings after which every fence is the longest: 640 s are more.
constexpr int kMaxDoublings = 6;

}  // namespace

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
