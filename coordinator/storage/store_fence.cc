#include "coordinator/storage/store_fence.h"

#include "absl/time/clock.h"

namespace understudy {

bool StoreFence::WaitUntilAbandoned(absl::Duration timeout) {
  const absl::Time until = absl::Now() + timeout;
  MutexLock lock(mutex_);
  while (!abandoned_) {
    const absl::Duration left = until - absl::Now();
    if (left <= absl::ZeroDuration()) return false;
    changed_.WaitFor(mutex_, left);
  }
  return true;
}

}  // namespace understudy
