// A training stage in this process. It passes what the algorithm asks of TrainingContext on to actors, other learners
// and the coordinator.
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
#include "learner/learner_sink.h"
#include "learner/progress_reporter.h"
#include "learner/training_context.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

// The stage that this learner works on.
struct StageJob {
  v1::LearnerWork work;
  // Counts of the stage's trajectories: those before this learner had the stage, as its checkpoint says, and those at
  // the other ranks since then. Only the training thread uses them.
  v1::TrajectoryAccounting trajectories_before = {};
  v1::TrajectoryAccounting trajectories_elsewhere = {};
  // The number of trajectories that were accepted for iterations that are no part of the result. Only the training
  // thread uses it.
  int64_t superseded_trajectories = 0;
  Cancellation cancellation = {};
  std::atomic<bool> draining = false;         // to end once the checkpoint of this iteration is stored
  std::atomic<bool> saving = false;           // that checkpoint has been taken
  std::atomic<int64_t> joining_since_ms = 0;  // since when it has waited for other ranks, as Unix time; 0: it has not

  // What metrics show of the stage.
  Mutex mutex = {};
  v1::StageProgress progress ABSL_GUARDED_BY(mutex) = {};  // as reported last
  size_t reports_queued ABSL_GUARDED_BY(mutex) = 0;        // then
};

// A TrainingContext that adds the counts of the stage's trajectories to reports and checkpoints. Only orders that have
// ended are counted, so that the counts are the same no matter which processes have died on the way. The counts of
// other ranks are as of the last Exchange. Thread-compatible.
class LearnerStage final : public TrainingContext {
 public:
  LearnerStage(StageJob& job, CoordinatorClient& client, LearnerSink& sink, LearnerGroup& group);

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

  // Waits until everything that was reported has arrived. Returns at once after an error or a cancellation.
  absl::Status Flush() { return reporter_.Flush(); }

 private:
  StageJob& job_;
  CoordinatorClient& client_;
  LearnerSink& sink_;
  LearnerGroup& group_;
  ProgressReporter reporter_;
  // As of the last Exchange, so that all ranks agree.
  bool draining_ = false;  // some rank
  bool leaving_ = false;   // this one
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_LEARNER_STAGE_H_
