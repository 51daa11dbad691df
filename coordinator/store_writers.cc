#include "coordinator/store_writers.h"

#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "absl/time/clock.h"

namespace understudy {
namespace {

constexpr absl::Duration kComplaintInterval = absl::Seconds(10);

}  // namespace

StoreWriters::StoreWriters() {
  for (int i = 0; i < kStoreWriters; ++i) threads_.emplace_back(&StoreWriters::Run, this);
}

StoreWriters::~StoreWriters() { Stop(); }

void StoreWriters::Post(std::function<absl::Status()> write, std::function<void(const absl::Status&)> done) {
  MutexLock lock(mutex_);
  if (stopped_) return;
  jobs_.push_back({std::move(write), std::move(done)});
  changed_.NotifyOne();
}

size_t StoreWriters::waiting() {
  MutexLock lock(mutex_);
  return jobs_.size();
}

void StoreWriters::Stop() {
  {
    MutexLock lock(mutex_);
    stopped_ = true;
    changed_.NotifyAll();
    stopping_.NotifyAll();
  }
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void StoreWriters::Run() {
  while (true) {
    Job job;
    {
      MutexLock lock(mutex_);
      while (jobs_.empty() && !stopped_) changed_.Wait(mutex_);
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job.done(Write(job));
  }
}

absl::Status StoreWriters::Write(const Job& job) {
  const absl::Time began = absl::Now();
  absl::Time complained = absl::InfinitePast();
  while (true) {
    const absl::Status status = job.write();
    const absl::Time now = absl::Now();
    if (!absl::IsUnavailable(status)) {
      if (status.ok() && complained > began) spdlog::info("written after {:.0f} s", absl::ToDoubleSeconds(now - began));
      return status;
    }
    if (now >= complained + kComplaintInterval) {
      spdlog::warn("{}; it is tried until it succeeds", std::string(status.message()));
      complained = now;
    }
    if (!Pause()) return status;
  }
}

bool StoreWriters::Pause() {
  const absl::Time until = absl::Now() + kStoreRetry;
  MutexLock lock(mutex_);
  for (absl::Duration left = kStoreRetry; left > absl::ZeroDuration(); left = until - absl::Now()) {
    if (stopped_) return false;
    stopping_.WaitFor(mutex_, left);
  }
  return !stopped_;
}

}  // namespace understudy
