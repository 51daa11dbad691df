// A fence keeps a process from writing to a store that another process has taken over.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_STORE_FENCE_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_STORE_FENCE_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"

namespace understudy {

// The connections of one store share a fence. Thread-safe.
class StoreFence {
 public:
  // Makes every later transaction that writes fail unless `incarnation` is the store's latest. 0: not known yet.
  void SetIncarnation(int64_t incarnation) {
    MutexLock lock(mutex_);
    incarnation_ = incarnation;
  }
  int64_t incarnation() {
    MutexLock lock(mutex_);
    return incarnation_;
  }

  // Refuses every write from now on, and lets nobody wait to write. Idempotent.
  void Abandon() {
    MutexLock lock(mutex_);
    abandoned_ = true;
    changed_.NotifyAll();
  }
  // Waits until Abandon is called, at most for `timeout`. Returns whether it was.
  bool WaitUntilAbandoned(absl::Duration timeout);
  bool abandoned() { return WaitUntilAbandoned(absl::ZeroDuration()); }

 private:
  Mutex mutex_;
  CondVar changed_;
  int64_t incarnation_ ABSL_GUARDED_BY(mutex_) = 0;
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_STORE_FENCE_H_
