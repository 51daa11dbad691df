// Many timers on a few threads.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_TIMER_QUEUE_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_TIMER_QUEUE_H_

#include <functional>
#include <map>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"

namespace understudy::simulation {

// Thread-safe. Tasks that may block need more than one thread.
class TimerQueue {
 public:
  explicit TimerQueue(int threads);
  // Drops what is not due and joins.
  ~TimerQueue();

  // Runs `task` after `delay`; after Stop, never.
  void After(absl::Duration delay, std::function<void()> task);

  // Lets tasks that run finish, and joins. Idempotent; not from a task.
  void Stop();

 private:
  void Run();

  Mutex mutex_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::multimap<absl::Time, std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace understudy::simulation

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_TIMER_QUEUE_H_
