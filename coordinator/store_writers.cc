#include "coordinator/store_writers.h"

#include <utility>

namespace understudy {

StoreWriters::StoreWriters() {
  for (int i = 0; i < kStoreWriters; ++i) threads_.emplace_back(&StoreWriters::Run, this);
}

StoreWriters::~StoreWriters() { Stop(); }

void StoreWriters::Post(std::function<void()> job) {
  MutexLock lock(mutex_);
  if (stopped_) return;
  jobs_.push_back(std::move(job));
  changed_.NotifyOne();
}

void StoreWriters::Stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.NotifyAll();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void StoreWriters::Run() {
  while (true) {
    std::function<void()> job;
    {
      MutexLock lock(mutex_);
      while (jobs_.empty() && !stopped_) changed_.Wait(mutex_);
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

}  // namespace understudy
