// The demonstrations that behavioural cloning learns from, as columns of numbers.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_BC_BC_DATASET_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_BC_BC_DATASET_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/algorithms/bc/bc_loss.h"
#include "learner/training_context.h"
#include "understudy/v1/experiments.pb.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// The columns of S steps. The final observations of episodes are left out, because no action follows them.
struct BcData {
  size_t observation_size = 0;
  std::vector<float> observations;  // [S, observation size]
  std::vector<int32_t> actions;
  std::vector<float> logits;  // [S × n], or empty
  std::vector<float> values;  // [S], or empty

  int64_t steps() const { return static_cast<int64_t>(actions.size()); }
  BcSamples samples() const { return {actions, logits, values}; }
};

struct BcDataset {
  BcData training;
  BcData validation;  // may be empty
};

// Splits the demonstrations into whole episodes to train on and whole episodes to validate with. The share
// `options.validation_split` is rounded to whole episodes, and `seed` chooses them. If the share is positive, at least
// one episode of two or more is held out. At least one is left to train on.
// Errors: FAILED_PRECONDITION, which names the dataset, if it has no steps or lacks the logits and values that
// distillation needs. INVALID_ARGUMENT, which prints both, if it is of another environment or other spaces.
absl::StatusOr<BcDataset> MakeBcDataset(const Demonstrations& demonstrations, const v1::EnvironmentSpec& environment,
                                        const v1::BcOptions& options, uint64_t seed);

// Copies the steps with these numbers into `target`, whose buffers are reused.
void GatherSteps(const BcData& data, std::span<const uint32_t> steps, BcData& target);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_BC_BC_DATASET_H_
