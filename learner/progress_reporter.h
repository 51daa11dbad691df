// Sends the metrics and checkpoints of a stage to the coordinator, in order, while training goes on.
#ifndef UNDERSTUDY_LEARNER_PROGRESS_REPORTER_H_
#define UNDERSTUDY_LEARNER_PROGRESS_REPORTER_H_

#include <deque>
#include <memory>
#include <thread>
#include <variant>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/process/cancellation.h"
#include "common/process/mutex.h"
#include "learner/coordinator_client.h"
#include "understudy/v1/checkpoints.pb.h"

namespace understudy {

// Decides when to take checkpoints.
// If storing the last checkpoint took a time t, the next is due 10 t after the last was handed over. So at most about a
// tenth of the time goes into checkpoints. With small policies one is due after nearly every iteration. If the clock
// shows a time before the last handing-over, somebody has set it back, and a checkpoint is due at once. The first one
// is due at once, too.
// Pure; thread-compatible.
class CheckpointSchedule {
 public:
  // Returns whether a checkpoint is due.
  bool Due(absl::Time now) const {
    if (now < handed_over_) return took_ < absl::InfiniteDuration();
    return now - handed_over_ >= 10 * took_;
  }
  // Notes that a checkpoint is handed over now, to be stored.
  void HandedOver(absl::Time now) { handed_over_ = now; }
  // Notes that storing the last checkpoint took `took`. InfiniteDuration: no further one is ever due.
  void Stored(absl::Duration took) { took_ = took; }

 private:
  absl::Time handed_over_ = absl::InfinitePast();
  absl::Duration took_ = absl::ZeroDuration();
};

// Everything is sent in the order in which it was given. So a checkpoint is stored only after the metrics of the
// iterations that led to it. If training continues from it, the metrics have no gap. While kQueued reports and
// checkpoints are queued, Report blocks. So if the coordinator is away for long, training waits for it, and no metrics
// are lost. At most one checkpoint waits while another is being sent. After the first error nothing more is sent.
// Thread-safe.
class ProgressReporter {
 public:
  static constexpr size_t kQueued = 256;

  // Client and cancellation must outlive it.
  ProgressReporter(CoordinatorClient& client, v1::StageKey stage, Cancellation& cancellation);
  // Drops what is queued. Call Flush first to send it. Waits for what is being sent; while the coordinator is away,
  // only a cancellation ends that.
  ~ProgressReporter();

  // Queues metrics. Report, SaveCheckpoint and Flush return the first error of anything that was sent earlier.
  absl::Status Report(const v1::StageProgress& progress);

  // Returns whether a checkpoint is due by CheckpointSchedule, and none is on its way.
  bool CheckpointDue() const;
  // Queues a checkpoint behind everything that was reported; it replaces one that still waits. Never blocks. If it is
  // larger than kMaxCheckpointBytes it is not stored, the log says so, and no further one is due.
  absl::Status SaveCheckpoint(v1::Checkpoint checkpoint);

  // Returns the number of reports and checkpoints that have not arrived.
  size_t queued() const;

  // Waits until everything has been sent. Returns at once after an error or a cancellation.
  absl::Status Flush();

 private:
  using Item = std::variant<v1::StageProgress, v1::Checkpoint>;

  void Run();
  absl::Status Send(const v1::StageProgress& progress);
  absl::Status Send(const v1::Checkpoint& checkpoint);
  bool HasCheckpoint() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  CoordinatorClient& client_;
  const v1::StageKey stage_;
  Cancellation& cancellation_;
  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<std::shared_ptr<const Item>> queue_ ABSL_GUARDED_BY(mutex_);
  bool sending_ ABSL_GUARDED_BY(mutex_) = false;  // the first of the queue
  CheckpointSchedule schedule_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_PROGRESS_REPORTER_H_
