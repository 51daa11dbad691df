// A training stage's world: actors behind the sink, the coordinator behind the client.
#ifndef UNDERSTUDY_LEARNER_LEARNER_STAGE_H_
#define UNDERSTUDY_LEARNER_LEARNER_STAGE_H_

#include <atomic>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/process/cancellation.h"
#include "common/process/mutex.h"
#include "common/rollouts/accounting.h"
#include "learner/coordinator_client.h"
#include "learner/group/learner_group.h"
#include "learner/progress_reporter.h"
#include "learner/rollout_sink.h"
#include "learner/training_context.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

// A stage in hand, and what ends it early.
struct StageJob {
  v1::LearnerWork work;
  // What became of its trajectories before this learner had it: the checkpoint's; and at the other ranks since. Of the
  // training thread alone.
  v1::TrajectoryAccounting trajectories_before = {};
  v1::TrajectoryAccounting trajectories_elsewhere = {};
  // Accepted, but for training that is no part of the result. Of the training thread alone.
  int64_t superseded_trajectories = 0;
  Cancellation cancellation = {};
  std::atomic<bool> draining = false;         // to end after the iteration in hand, once its checkpoint is stored
  std::atomic<bool> saving = false;           // that checkpoint has been taken
  std::atomic<int64_t> joining_since_ms = 0;  // waiting for other ranks, since this Unix time; 0: not

  // For who watches.
  Mutex mutex = {};
  v1::StageProgress progress ABSL_GUARDED_BY(mutex) = {};  // as reported last
  size_t reports_queued ABSL_GUARDED_BY(mutex) = 0;        // then
};

// Adds the stage's trajectories so far to reports and checkpoints: those of orders that have ended, so that what was
// accepted is the same whoever died on the way; other ranks', as of the last Exchange. Thread-compatible.
class LearnerStage final : public TrainingContext {
 public:
  LearnerStage(StageJob& job, CoordinatorClient& client, RolloutSink& sink, LearnerGroup& group);

  absl::Status Start(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy,
                     bool background) override;
  absl::Status Await(const Order& order) override;
  bool Ready(const Order& order) const override;
  void Drop(const Order& order) override;
  v1::TrajectoryAccounting trajectories() const override;
  LearnerGroup& group() override { return group_; }
  absl::StatusOr<std::vector<v1::RankReport>> Exchange(v1::RankReport mine) override;
  absl::StatusOr<Demonstrations> ReadDemonstrations() override;
  absl::Status Report(const v1::StageProgress& progress) override;
  bool CheckpointDue() override;
  bool Draining() const override { return draining_; }
  absl::Status SaveCheckpoint(v1::Checkpoint checkpoint) override;
  absl::Status CheckCancelled() const override;

  // Returns once everything that was reported has arrived, or with the first error; once cancelled, at once.
  absl::Status Flush() { return reporter_.Flush(); }

 private:
  StageJob& job_;
  CoordinatorClient& client_;
  RolloutSink& sink_;
  LearnerGroup& group_;
  ProgressReporter reporter_;
  // As of the last Exchange, so that all ranks agree.
  bool draining_ = false;  // some rank
  bool leaving_ = false;   // this one
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_LEARNER_STAGE_H_
