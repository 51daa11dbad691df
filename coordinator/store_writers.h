// Threads that wait for the disk, so that the control thread need not.
#ifndef UNDERSTUDY_COORDINATOR_STORE_WRITERS_H_
#define UNDERSTUDY_COORDINATOR_STORE_WRITERS_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"

namespace understudy {

// How long until a store is tried again that could not be reached.
inline constexpr absl::Duration kStoreRetry = absl::Seconds(1);

// Several, so that stages that write at the same time are committed together. Bounded by who posts: a stage does not
// post again before its last job is done.
inline constexpr int kStoreWriters = 4;

// Thread-safe.
class StoreWriters {
 public:
  StoreWriters();
  // Stops.
  ~StoreWriters();

  // Does not block. `write` runs on one of the threads, and then `done` with what it came to; jobs may overtake each
  // other. Where the store cannot be reached (UNAVAILABLE) it is tried again, for as long as that takes, or until Stop.
  // After Stop the job is dropped.
  void Post(std::function<absl::Status()> write, std::function<void(const absl::Status&)> done);

  // Jobs that no thread has begun with.
  size_t waiting();

  // Does what was posted, once, and joins. Idempotent.
  void Stop();

 private:
  struct Job {
    std::function<absl::Status()> write;
    std::function<void(const absl::Status&)> done;
  };
  void Run();
  absl::Status Write(const Job& job);
  // Waits before another attempt; false: there is to be none.
  bool Pause();

  Mutex mutex_;
  CondVar changed_;
  CondVar stopping_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Job> jobs_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORE_WRITERS_H_
