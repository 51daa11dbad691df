// What PPO learns from in one iteration: the segments of a rank's slots, with value estimates and advantages.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_PPO_BATCH_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_PPO_BATCH_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "common/policy/policy.h"
#include "learner/algorithms/advantage.h"
#include "learner/algorithms/ppo_loss.h"
#include "learner/backpropagation/backpropagation.h"
#include "learner/group/learner_group.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// s steps of this rank's slots, which are those from `first_step` on of the S steps of all slots, in order.
// Observations stay where they came in.
struct PpoBatch {
  size_t observation_size = 0;
  size_t first_step = 0;
  std::vector<const float*> observations;  // [s]: each step's
  std::vector<int32_t> actions;            // [s]
  std::vector<float> log_probs;            // [s]
  std::vector<float> values;               // [s]
  std::vector<float> advantages;           // [S]
  std::vector<float> returns;              // [S] advantages + values: the critic's targets

  size_t steps() const { return advantages.size(); }
  size_t own_steps() const { return actions.size(); }
};

// Of a learner that trains alone, so that all steps are its own. `policy` estimates the values of all observations,
// each trajectory's final one too, on the threads of `backpropagation`. `batches` must outlive the result.
PpoBatch MakePpoBatch(const std::vector<v1::TrajectoryBatch>& batches, const v1::EnvironmentSpec& environment,
                      const Policy& policy, const AdvantageOptions& options, Backpropagation& backpropagation);

// Makes of each rank's batch one with the advantages and returns of all ranks' steps. `own`: which of the `steps` steps
// of all ranks this one's are. The group's errors.
absl::Status ShareAdvantages(Share own, int64_t steps, LearnerGroup& group, PpoBatch& batch);

// 1 - Var[returns - values] / Var[returns]: 1 for a perfect critic, 0 for one that knows only the mean; 0 where all
// returns are equal.
double ExplainedVariance(const PpoBatch& batch);

// This rank's part of a minibatch, gathered; buffers are reused from one Gather to the next.
class PpoMinibatch {
 public:
  // Takes those of these steps that are this rank's. `normalize`: advantages by the mean and variance of all these
  // steps', to 0 and 1 (a single step's stays as it is).
  void Gather(const PpoBatch& batch, std::span<const uint32_t> steps, bool normalize);

  std::span<const float> observations() const { return observations_; }
  PpoSamples samples() const { return {actions_, log_probs_, values_, advantages_, returns_}; }

 private:
  std::vector<float> observations_;
  std::vector<int32_t> actions_;
  std::vector<float> log_probs_;
  std::vector<float> values_;
  std::vector<float> advantages_;
  std::vector<float> returns_;
  std::vector<uint32_t> own_;  // where the steps are among this rank's
  std::vector<float> all_advantages_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_PPO_BATCH_H_
