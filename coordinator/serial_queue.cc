#include "coordinator/serial_queue.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"

namespace understudy {

bool SerialQueue::Post(Task task) {
  MutexLock lock(mutex_);
  return tasks_.size() < capacity_ && Add(std::move(task));
}

bool SerialQueue::PostBeyondCapacity(Task task) {
  MutexLock lock(mutex_);
  return Add(std::move(task));
}

bool SerialQueue::Add(Task task) {
  if (closed_) return false;
  tasks_.push_back(std::move(task));
  changed_.NotifyOne();
  return true;
}

void SerialQueue::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  changed_.NotifyOne();
}

std::vector<SerialQueue::Task> SerialQueue::TakeAll(absl::Time wake) {
  MutexLock lock(mutex_);
  while (tasks_.empty() && !closed_) {
    const absl::Duration left = wake - absl::Now();
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitFor(mutex_, std::min(left, absl::Hours(1)));
  }
  return std::exchange(tasks_, {});
}

size_t SerialQueue::size() const {
  MutexLock lock(mutex_);
  return tasks_.size();
}

bool SerialQueue::closed() const {
  MutexLock lock(mutex_);
  return closed_;
}

}  // namespace understudy
