// What PPO learns from in one iteration: every slot's segment, with value estimates and advantages.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_PPO_BATCH_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_PPO_BATCH_H_

#include <cstdint>
#include <span>
#include <vector>

#include "common/policy/policy.h"
#include "learner/advantage.h"
#include "learner/algorithms/ppo_loss.h"
#include "learner/backpropagation/backpropagation.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// S steps. Observations stay where they came in.
struct PpoBatch {
  size_t observation_size = 0;
  std::vector<const float*> observations;  // [S]: each step's
  std::vector<int32_t> actions;
  std::vector<float> log_probs;
  std::vector<float> values;
  std::vector<float> advantages;
  std::vector<float> returns;  // advantages + values: the critic's targets

  int64_t steps() const { return static_cast<int64_t>(actions.size()); }
};

// `policy` estimates the values of all observations, each trajectory's final one too, on the threads of
// `backpropagation`. `batches` must outlive the result.
PpoBatch MakePpoBatch(const std::vector<v1::TrajectoryBatch>& batches, const v1::EnvironmentSpec& environment,
                      const Policy& policy, const AdvantageOptions& options, Backpropagation& backpropagation);

// 1 - Var[returns - values] / Var[returns]: 1 for a perfect critic, 0 for one that knows only the mean; 0 where all
// returns are equal.
double ExplainedVariance(const PpoBatch& batch);

// Some of a batch's steps, gathered; buffers are reused from one Gather to the next.
class PpoMinibatch {
 public:
  // Takes these steps of the batch. `normalize`: advantages to mean 0 and variance 1 (a single step's stays as it is).
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
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_PPO_BATCH_H_
