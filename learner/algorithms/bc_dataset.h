// Demonstrations as behavioural cloning reads them.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_BC_DATASET_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_BC_DATASET_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "learner/algorithms/bc_loss.h"
#include "learner/training_context.h"
#include "understudy/v1/experiments.pb.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// S steps, without their episodes' final observations.
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

// Splits the demonstrations by whole episodes: `options.validation_split` of them, rounded, chosen by `seed`, are held
// out, at least one of two or more where the share is positive, and at least one is left to train on.
// FAILED_PRECONDITION naming the dataset: it has no steps, or lacks the logits and values that distillation needs.
// INVALID_ARGUMENT, with both printed: it is of another environment or other spaces.
absl::StatusOr<BcDataset> MakeBcDataset(const Demonstrations& demonstrations, const v1::EnvironmentSpec& environment,
                                        const v1::BcOptions& options, uint64_t seed);

// Gathers some steps into `target`, whose buffers are reused.
void GatherSteps(const BcData& data, std::span<const uint32_t> steps, BcData& target);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_BC_DATASET_H_
