// The interface by which a training algorithm reaches everything outside it: rollouts, demonstrations, reports,
// checkpoints and the other learners. Algorithms know no processes.
#ifndef UNDERSTUDY_LEARNER_TRAINING_CONTEXT_H_
#define UNDERSTUDY_LEARNER_TRAINING_CONTEXT_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rollouts/episode_order.h"
#include "common/rollouts/segment_order.h"
#include "common/snapshot/policy_snapshot.h"
#include "learner/group/learner_group.h"
#include "understudy/v1/checkpoints.pb.h"
#include "understudy/v1/datasets.pb.h"
#include "understudy/v1/experiments.pb.h"
#include "understudy/v1/ranks.pb.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// A dataset as it comes from the coordinator: whole episodes, in ascending order of their numbers.
struct Demonstrations {
  v1::Dataset dataset;
  std::vector<v1::TrajectoryBatch> batches;
};

struct TrainingOutput {
  std::shared_ptr<const PolicySnapshot> policy;  // version and name are the caller's to give
  v1::TrainResult result;                        // all but policy, policy_version and policy_digest
  // The number of trajectories that were accepted for iterations after this one, which are no part of the result.
  int64_t superseded_trajectories = 0;
};

// Every call may block. It returns CANCELLED as soon as the stage is cancelled or taken away; the algorithm then
// returns that status. LearnerStage implements this with processes, tests with fakes.
class TrainingContext {
 public:
  virtual ~TrainingContext() = default;

  // Starts an order: connected actors begin to work on it, and act with `policy`. Several orders may run at a time,
  // each until Await has returned or Drop was called. Background orders go to idle actors only.
  virtual absl::Status Start(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy,
                             bool background) = 0;

  // Waits until a started order has ended. Returns its error if it has failed.
  virtual absl::Status Await(const Order& order) = 0;

  // Returns whether Await would return at once.
  virtual bool Ready(const Order& order) const = 0;

  // Drops a started order: none of its trajectories, come or still to come, is part of the result.
  virtual void Drop(const Order& order) = 0;

  // Starts an order, and waits until it has ended.
  absl::Status RollOut(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy) {
    if (absl::Status status = Start(order, std::move(policy), /*background=*/false); !status.ok()) return status;
    return Await(*order);
  }

  // Returns the counts of the stage's trajectories, without those of orders that still run.
  virtual v1::TrajectoryAccounting trajectories() const = 0;

  // Returns the group of learners that train this stage. Every rank runs the algorithm with the same input, and has
  // rollouts and demonstrations of its own. Only rank 0 reports, evaluates and saves checkpoints.
  virtual LearnerGroup& group() { return alone_; }

  // Exchanges reports among all ranks at the end of an iteration, and returns all of them, by rank. The context fills
  // in the trajectories, and whether this rank is draining.
  // Errors: the group's.
  virtual absl::StatusOr<std::vector<v1::RankReport>> Exchange(v1::RankReport mine) {
    return ExchangeReports(group(), mine);
  }

  // Reads the stage's dataset.
  virtual absl::StatusOr<Demonstrations> ReadDemonstrations() = 0;

  // Reports the metrics of an iteration, which is numbered from 1. The context fills in the trajectories if they are
  // missing. Waits only if the coordinator is slow.
  virtual absl::Status Report(const v1::StageProgress& progress) = 0;

  // Returns whether to take a checkpoint now. To be asked at the end of an iteration, after its report.
  virtual bool CheckpointDue() = 0;

  // Returns whether a process, of this rank or another, waits for the next checkpoint in order to end.
  virtual bool Draining() const = 0;

  // Saves a checkpoint, after everything that was reported before it. The context fills in the trajectories. Waits only
  // if the coordinator is slow, so an error may be that of an earlier checkpoint. All ranks call this; only rank 0's
  // checkpoint is stored.
  // CANCELLED: the stage is cancelled; or this checkpoint is stored, and the process is to end now.
  virtual absl::Status SaveCheckpoint(v1::Checkpoint checkpoint) = 0;

  // Returns CANCELLED once the stage is cancelled. To be asked between minibatches.
  virtual absl::Status CheckCancelled() const = 0;

 private:
  LoneLearner alone_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_TRAINING_CONTEXT_H_
