// Threads that write to the store, so that the control thread does not wait for the disk.
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

// Waiting time before another attempt to reach the store.
inline constexpr absl::Duration kStoreRetry = absl::Seconds(1);

// Number of threads. There are several, so that stages that write at the same time are committed together.
inline constexpr int kStoreWriters = 4;

// The queue of jobs is bounded by those who post: a stage posts no job before its last one is done. Thread-safe.
class StoreWriters {
 public:
  StoreWriters();
  // Stops.
  ~StoreWriters();

  // Queues a job, without blocking; after Stop it is dropped. A thread calls `write`, and then `done` with its status.
  // If `write` returns UNAVAILABLE, the thread calls it again after a while, until it succeeds or Stop is called. Jobs
  // may overtake each other.
  void Post(std::function<absl::Status()> write, std::function<void(const absl::Status&)> done);

  // Returns how many jobs no thread has begun.
  size_t waiting();

  // Lets the threads try every posted job once more, and joins them. Idempotent.
  void Stop();

 private:
  struct Job {
    std::function<absl::Status()> write;
    std::function<void(const absl::Status&)> done;
  };
  void Run();
  absl::Status Write(const Job& job);
  // Waits before another attempt. Returns false if there should be none.
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
