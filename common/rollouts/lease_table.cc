#include "common/rollouts/lease_table.h"

#include <algorithm>
#include <iterator>

namespace understudy {

LeaseTable::LeaseTable(int64_t limit) : limit_(limit) {}

std::optional<NumberRange> LeaseTable::Lease(uint64_t lease, int64_t most) {
  if (most <= 0) return std::nullopt;
  NumberRange range;
  if (!reopened_.empty()) {
    range = {*reopened_.begin(), *reopened_.begin()};
    while (range.size() < most && !reopened_.empty() && *reopened_.begin() == range.end) {
      reopened_.erase(reopened_.begin());
      ++range.end;
    }
  } else {
    range = {next_, next_ + std::min(most, limit_ - next_)};
    if (range.size() <= 0) return std::nullopt;
    next_ = range.end;
  }
  leases_[lease] = {range, range.size()};
  lease_by_begin_[range.begin] = lease;
  return range;
}

bool LeaseTable::Complete(int64_t number) {
  if (IsDone(number)) return false;
  reopened_.erase(number);
  done_.insert(number);
  while (!done_.empty() && *done_.begin() == done_prefix_) {
    done_.erase(done_.begin());
    ++done_prefix_;
  }
  auto holder = lease_by_begin_.upper_bound(number);
  if (holder == lease_by_begin_.begin()) return true;
  const auto lease = leases_.find(std::prev(holder)->second);
  if (lease->second.range.contains(number) && --lease->second.remaining == 0) {
    lease_by_begin_.erase(lease->second.range.begin);
    leases_.erase(lease);
  }
  return true;
}

bool LeaseTable::IsDone(int64_t number) const { return number < done_prefix_ || done_.contains(number); }

bool LeaseTable::Restore(int64_t number) {
  for (; next_ <= number; ++next_) reopened_.insert(next_);
  return Complete(number);
}

void LeaseTable::Release(uint64_t lease) {
  const auto found = leases_.find(lease);
  if (found == leases_.end()) return;
  const NumberRange range = found->second.range;
  lease_by_begin_.erase(range.begin);
  leases_.erase(found);
  for (int64_t number = range.begin; number < range.end; ++number) {
    if (!IsDone(number)) reopened_.insert(number);
  }
}

std::optional<NumberRange> LeaseTable::Find(uint64_t lease) const {
  const auto found = leases_.find(lease);
  if (found == leases_.end()) return std::nullopt;
  return found->second.range;
}

int64_t LeaseTable::remaining(uint64_t lease) const {
  const auto found = leases_.find(lease);
  return found == leases_.end() ? 0 : found->second.remaining;
}

}  // namespace understudy
