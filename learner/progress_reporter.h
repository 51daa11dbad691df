// What a stage tells the coordinator while training goes on, in one order: metrics and checkpoints.
#ifndef UNDERSTUDY_LEARNER_PROGRESS_REPORTER_H_
#define UNDERSTUDY_LEARNER_PROGRESS_REPORTER_H_

#include <deque>
#include <memory>
#include <thread>
#include <variant>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/process/cancellation.h"
#include "common/process/mutex.h"
#include "learner/checkpoint_schedule.h"
#include "learner/coordinator_client.h"
#include "understudy/v1/checkpoints.pb.h"

namespace understudy {

// Thread-safe. Sends in the order in which it was told, so that a stored checkpoint of an iteration implies stored
// metrics of all iterations until then: training that goes on from it leaves no gap. At most kQueued reports wait;
// beyond that Report blocks: a coordinator that is away for long stops training rather than losing metrics. At most one
// checkpoint waits while another is being sent.
class ProgressReporter {
 public:
  static constexpr size_t kQueued = 256;

  // Client and cancellation must outlive it.
  ProgressReporter(CoordinatorClient& client, v1::StageKey stage, Cancellation& cancellation);
  // Does not wait for what is queued: Flush does.
  ~ProgressReporter();

  // Queues. The error of anything earlier is returned here, as by SaveCheckpoint.
  absl::Status Report(const v1::StageProgress& progress);

  // No checkpoint waits or is being sent, and one is due by CheckpointSchedule.
  bool CheckpointDue() const;
  // Queues; in place of one that waits, but behind all that was reported. Never blocks. One that is larger than
  // kMaxCheckpointBytes is not stored, as the log says, and none is due any more.
  absl::Status SaveCheckpoint(v1::Checkpoint checkpoint);

  // Reports and checkpoints that have not arrived.
  size_t queued() const;

  // Returns once everything has been sent, or with the first error; once cancelled, at once.
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
