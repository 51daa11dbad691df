#include "tests/benchmarks/cluster/timer_queue.h"

#include <utility>

#include "absl/time/clock.h"

namespace understudy::simulation {

TimerQueue::TimerQueue(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back(&TimerQueue::Run, this);
}

TimerQueue::~TimerQueue() { Stop(); }

void TimerQueue::After(absl::Duration delay, std::function<void()> task) {
  MutexLock lock(mutex_);
  if (stopped_) return;
  const auto added = tasks_.emplace(absl::Now() + delay, std::move(task));
  if (added == tasks_.begin()) changed_.NotifyOne();
}

void TimerQueue::Stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    tasks_.clear();
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void TimerQueue::Run() {
  mutex_.Lock();
  while (!stopped_) {
    const absl::Duration left = tasks_.empty() ? absl::Seconds(60) : tasks_.begin()->first - absl::Now();
    if (left > absl::ZeroDuration()) {
      changed_.WaitFor(mutex_, left);
      continue;
    }
    const std::function<void()> task = std::move(tasks_.begin()->second);
    tasks_.erase(tasks_.begin());
    mutex_.Unlock();
    task();
    mutex_.Lock();
  }
  mutex_.Unlock();
}

}  // namespace understudy::simulation
