// What a training algorithm may ask of the world: the seam between algorithms and processes.
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
#include "learner/group/rank_reports.h"
#include "understudy/v1/checkpoints.pb.h"
#include "understudy/v1/datasets.pb.h"
#include "understudy/v1/experiments.pb.h"
#include "understudy/v1/ranks.pb.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// Demonstrations as they come from the coordinator: whole episodes, ascending.
struct Demonstrations {
  v1::Dataset dataset;
  std::vector<v1::TrajectoryBatch> batches;
};

struct TrainingOutput {
  std::shared_ptr<const PolicySnapshot> policy;  // version and name are the caller's to give
  v1::TrainResult result;                        // all but policy, policy_version and policy_digest
  // Trajectories that were accepted for training that went on after this, and is no part of the result.
  int64_t superseded_trajectories = 0;
};

// Every call may block; each returns CANCELLED as soon as the stage is cancelled or taken away, which the algorithm
// passes on. Implementations: LearnerStage (processes), fakes in tests.
class TrainingContext {
 public:
  virtual ~TrainingContext() = default;

  // Has actors begin with an order, acting with `policy`. Several may run at a time, each until Await has returned or
  // Drop was called. `background`: for what nobody waits for at the moment; actors do it when there is nothing else to
  // do.
  virtual absl::Status Start(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy,
                             bool background) = 0;

  // Runs an order that was started to its end. Any order's failure is returned here.
  virtual absl::Status Await(const Order& order) = 0;

  // Whether Await would return at once.
  virtual bool Ready(const Order& order) const = 0;

  // Forgets an order that was started: nothing that came of it, or still comes, is part of the result.
  virtual void Drop(const Order& order) = 0;

  // Runs an order to its end.
  absl::Status RollOut(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy) {
    if (absl::Status status = Start(order, std::move(policy), /*background=*/false); !status.ok()) return status;
    return Await(*order);
  }

  // What became of the stage's trajectories. Those of orders that have not ended, by Await or Drop, are not counted
  // yet.
  virtual v1::TrajectoryAccounting trajectories() const = 0;

  // Who trains this stage. Every rank runs the algorithm, with the same input. Rollouts and demonstrations are a rank's
  // own; only rank 0 reports, evaluates and is asked for checkpoints.
  virtual LearnerGroup& group() { return alone_; }

  // Tells all ranks what this one has to say at the end of an iteration, and returns what each said, by rank; the
  // context fills in the trajectories and whether the rank is draining. The group's errors.
  virtual absl::StatusOr<std::vector<v1::RankReport>> Exchange(v1::RankReport mine) {
    return ExchangeReports(group(), mine);
  }

  // The stage's dataset.
  virtual absl::StatusOr<Demonstrations> ReadDemonstrations() = 0;

  // Metrics of an iteration: 1, 2, 3 … The context fills in the trajectories, where they are not. Non-blocking but for
  // a slow coordinator.
  virtual absl::Status Report(const v1::StageProgress& progress) = 0;

  // Whether to take a checkpoint now, at the end of an iteration, once it has been reported.
  virtual bool CheckpointDue() = 0;

  // A process, of this rank or another, is to end after the next checkpoint: it is not to be put off.
  virtual bool Draining() const = 0;

  // Hands a checkpoint over, to be stored after everything that was reported before it; the context fills in the
  // trajectories. Non-blocking but for a slow coordinator; an earlier one's error is returned here. CANCELLED also
  // where the process is to end now that this one is stored. Called by all ranks; those but rank 0 hand over nothing.
  virtual absl::Status SaveCheckpoint(v1::Checkpoint checkpoint) = 0;

  // OK, or CANCELLED: for algorithms to ask between minibatches.
  virtual absl::Status CheckCancelled() const = 0;

 private:
  LoneLearner alone_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_TRAINING_CONTEXT_H_
