// What a training algorithm may ask of the world: the seam between algorithms and processes.
#ifndef UNDERSTUDY_LEARNER_TRAINING_CONTEXT_H_
#define UNDERSTUDY_LEARNER_TRAINING_CONTEXT_H_

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/rollouts/episode_order.h"
#include "common/rollouts/segment_order.h"
#include "common/snapshot/policy_snapshot.h"
#include "understudy/v1/checkpoints.pb.h"
#include "understudy/v1/datasets.pb.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Demonstrations as they come from the coordinator: whole episodes, ascending.
struct Demonstrations {
  v1::Dataset dataset;
  std::vector<v1::TrajectoryBatch> batches;
};

// Every call may block; each returns CANCELLED as soon as the stage is cancelled or taken away, which the algorithm
// passes on. Implementations: LearnerStage (processes), fakes in tests.
class TrainingContext {
 public:
  virtual ~TrainingContext() = default;

  // Runs an order to its end on the stage's actors, acting with `policy`.
  virtual absl::Status RollOut(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy) = 0;

  // The stage's dataset.
  virtual absl::StatusOr<Demonstrations> ReadDemonstrations() = 0;

  // Metrics of an iteration: 1, 2, 3 … Non-blocking but for a slow coordinator.
  virtual absl::Status Report(const v1::StageProgress& progress) = 0;

  // Whether to take a checkpoint now, at the end of an iteration, once it has been reported.
  virtual bool CheckpointDue() = 0;

  // Hands a checkpoint over, to be stored after everything that was reported before it; the context fills in the
  // trajectories. Non-blocking but for a slow coordinator; an earlier one's error is returned here. CANCELLED also
  // where the process is to end now that this one is stored.
  virtual absl::Status SaveCheckpoint(v1::Checkpoint checkpoint) = 0;

  // OK, or CANCELLED: for algorithms to ask between minibatches.
  virtual absl::Status CheckCancelled() const = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_TRAINING_CONTEXT_H_
