#include "learner/progress_reporter.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "common/process/logging.h"

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
  auto item = std::make_shared<const Item>(progress);
  MutexLock lock(mutex_);
  while (queue_.size() >= kQueued && status_.ok()) changed_.Wait(mutex_);
  if (!status_.ok()) return status_;
  queue_.push_back(std::move(item));
  changed_.NotifyAll();
  return absl::OkStatus();
}

bool ProgressReporter::HasCheckpoint() const {
  return std::any_of(queue_.begin(), queue_.end(), [](const auto& item) { return item->index() == 1; });
}

bool ProgressReporter::CheckpointDue() const {
  MutexLock lock(mutex_);
  return schedule_.Due(absl::Now()) && !HasCheckpoint();
}

absl::Status ProgressReporter::SaveCheckpoint(v1::Checkpoint checkpoint) {
  auto item = std::make_shared<const Item>(std::move(checkpoint));
  MutexLock lock(mutex_);
  if (!status_.ok()) return status_;
  const auto waiting = std::find_if(queue_.begin() + (sending_ ? 1 : 0), queue_.end(),
                                    [](const auto& queued) { return queued->index() == 1; });
  if (waiting != queue_.end()) queue_.erase(waiting);
  queue_.push_back(std::move(item));
  schedule_.HandedOver(absl::Now());
  changed_.NotifyAll();
  return absl::OkStatus();
}

absl::Status ProgressReporter::Flush() {
  if (absl::Status cancelled = cancellation_.Check(); !cancelled.ok()) return cancelled;
  MutexLock lock(mutex_);
  while (!queue_.empty() && status_.ok()) changed_.Wait(mutex_);
  return status_;
}

size_t ProgressReporter::queued() const {
  MutexLock lock(mutex_);
  return queue_.size();
}

void ProgressReporter::Run() {
  const LogScope scope({.experiment = stage_.experiment_id(), .epoch = stage_.epoch()});
  for (;;) {
    std::shared_ptr<const Item> next;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !closed_) changed_.Wait(mutex_);
      if (closed_) return;
      next = queue_.front();
      sending_ = true;
    }
    const absl::Status status = std::visit([this](const auto& item) { return Send(item); }, *next);
    MutexLock lock(mutex_);
    sending_ = false;
    queue_.pop_front();
    if (!status.ok()) status_ = status;
    changed_.NotifyAll();
    if (!status.ok()) return;
  }
}

absl::Status ProgressReporter::Send(const v1::StageProgress& progress) {
  return client_.ReportProgress(stage_, progress, cancellation_);
}

absl::Status ProgressReporter::Send(const v1::Checkpoint& checkpoint) {
  absl::StatusOr<absl::Duration> took = absl::InfiniteDuration();
  if (const size_t bytes = checkpoint.ByteSizeLong(); bytes > static_cast<size_t>(kMaxCheckpointBytes)) {
    spdlog::warn(
        "{} stage {}: checkpoints of {} bytes are too large, at most {} can be stored: training goes on without",
        stage_.experiment_id(), stage_.stage() + 1, bytes, kMaxCheckpointBytes);
  } else {
    took = client_.SaveCheckpoint(stage_, checkpoint, cancellation_);
  }
  if (!took.ok()) return took.status();
  MutexLock lock(mutex_);
  schedule_.Stored(*took);
  return absl::OkStatus();
}

}  // namespace understudy
