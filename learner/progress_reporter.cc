#include "learner/progress_reporter.h"

#include <pthread.h>

#include <utility>

namespace understudy {

ProgressReporter::ProgressReporter(CoordinatorClient& client, v1::StageKey stage, Cancellation& cancellation)
    : client_(client), stage_(std::move(stage)), cancellation_(cancellation), thread_([this] { Run(); }) {
  pthread_setname_np(thread_.native_handle(), "progress");
}

ProgressReporter::~ProgressReporter() {
  {
    MutexLock lock(mutex_);
    closed_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

absl::Status ProgressReporter::Report(const v1::StageProgress& progress) {
  MutexLock lock(mutex_);
  while (queue_.size() >= kQueued && status_.ok()) changed_.Wait(mutex_);
  if (!status_.ok()) return status_;
  queue_.push_back(progress);
  changed_.NotifyAll();
  return absl::OkStatus();
}

absl::Status ProgressReporter::Flush() {
  MutexLock lock(mutex_);
  while (!queue_.empty() && status_.ok()) changed_.Wait(mutex_);
  return status_;
}

void ProgressReporter::Run() {
  for (;;) {
    v1::StageProgress next;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !closed_) changed_.Wait(mutex_);
      if (closed_) return;
      next = queue_.front();
    }
    const absl::Status status = client_.ReportProgress(stage_, next, cancellation_);
    MutexLock lock(mutex_);
    queue_.pop_front();
    if (!status.ok()) status_ = status;
    changed_.NotifyAll();
    if (!status.ok()) return;
  }
}

}  // namespace understudy
