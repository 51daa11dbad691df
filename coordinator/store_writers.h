// Threads that wait for the disk, so that the control thread need not.
#ifndef UNDERSTUDY_COORDINATOR_STORE_WRITERS_H_
#define UNDERSTUDY_COORDINATOR_STORE_WRITERS_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/process/mutex.h"

namespace understudy {

// Several, so that stages that write at the same time are committed together. Bounded by who posts: a stage does not
// post again before its last job is done.
inline constexpr int kStoreWriters = 4;

// Thread-safe.
class StoreWriters {
 public:
  StoreWriters();
  // Stops.
  ~StoreWriters();

  // Does not block. The job runs on one of the threads; jobs may overtake each other. After Stop it is dropped.
  void Post(std::function<void()> job);

  // Does what was posted, and joins. Idempotent.
  void Stop();

 private:
  void Run();

  Mutex mutex_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<std::function<void()>> jobs_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORE_WRITERS_H_
