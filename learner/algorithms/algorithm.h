// The interface of a training algorithm: it takes a stage's specification and returns a trained policy. The table of
// algorithms is here, and the policy that every algorithm starts from.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_ALGORITHM_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_ALGORITHM_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/policy/policy.h"
#include "learner/training_context.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

struct TrainingInput {
  v1::TrainStage stage;  // validated, defaults filled in
  v1::EnvironmentSpec environment;
  std::shared_ptr<const PolicySnapshot> initial;  // the policy to start from; null: fresh parameters
  // A valid checkpoint to continue from. None: training begins.
  std::optional<v1::Checkpoint> checkpoint = std::nullopt;
};

// A training algorithm. The same input and the same answers of the context give the same output, bit for bit. That is
// so whether training ran in one piece or went on from any of its checkpoints.
// Errors: CheckpointDoesNotFit for a checkpoint of another network or stage. The context has been asked for nothing but
// demonstrations then.
using TrainingAlgorithm = std::function<absl::StatusOr<TrainingOutput>(const TrainingInput&, TrainingContext&)>;

// Makes the policy that a stage begins with. It has the network and the parameters of the initial snapshot. Without a
// snapshot it has the stage's network, and fresh parameters from the stage's seed.
// Errors: INVALID_ARGUMENT, which prints both sides, if the snapshot's spaces are not the environment's or its network
// is not the one that the stage asks for. Others as Policy::Create.
absl::StatusOr<Policy> StartingPolicy(const TrainingInput& input);

// Looks an algorithm up in the table of algorithms.
// Errors: NOT_FOUND, which lists the names in the table.
absl::StatusOr<TrainingAlgorithm> FindAlgorithm(std::string_view name);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_ALGORITHM_H_
