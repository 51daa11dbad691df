// A training algorithm: a stage's specification in, a trained policy out.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_ALGORITHM_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_ALGORITHM_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/training_context.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

struct TrainingInput {
  v1::TrainStage stage;  // validated, defaults filled in
  v1::EnvironmentSpec environment;
  std::shared_ptr<const PolicySnapshot> initial;  // null: fresh parameters
  // Valid; training goes on after it. None: it begins.
  std::optional<v1::Checkpoint> checkpoint = std::nullopt;
};

// A training algorithm. The same input and the same answers of the context give the same output, bit for bit, whether
// it ran in one piece or went on from any of its checkpoints. A checkpoint of another network or stage is refused as
// CheckpointDoesNotFit says, before anything else is asked of the context but for its demonstrations.
using TrainingAlgorithm = std::function<absl::StatusOr<TrainingOutput>(const TrainingInput&, TrainingContext&)>;

// The table of algorithms. NOT_FOUND lists the names that there are.
absl::StatusOr<TrainingAlgorithm> FindAlgorithm(std::string_view name);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_ALGORITHM_H_
