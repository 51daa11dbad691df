// What PPO learns from in one iteration: the steps that actors took, with value estimates and advantages.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_PPO_PPO_BATCH_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_PPO_PPO_BATCH_H_

#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "common/policy/policy.h"
#include "learner/algorithms/ppo/ppo_loss.h"
#include "learner/backpropagation/backpropagation.h"
#include "learner/group/learner_group.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// The steps of one iteration, in the order of slots and time. S is their number at all ranks together. This rank has s
// of them: those of its own slots, from `first_step` on. Observations are not copied.
struct PpoBatch {
  size_t observation_size = 0;
  size_t first_step = 0;
  std::vector<const float*> observations;  // [s] points to each step's observation
  std::vector<int32_t> actions;            // [s]
  std::vector<float> log_probs;            // [s]
  std::vector<float> values;               // [s]
  std::vector<float> advantages;           // [S]
  std::vector<float> returns;              // [S] advantages + values: the targets of the critic

  size_t steps() const { return advantages.size(); }
  size_t own_steps() const { return actions.size(); }
};

struct AdvantageOptions {
  double gamma = 0.99;   // the discount factor
  double lambda = 0.95;  // 0: one-step differences; 1: returns minus values
};

// Estimates the advantages of one trajectory of T steps by generalised advantage estimation (Schulman et al. 2015,
// "High-dimensional continuous control using generalized advantage estimation", equations 11 to 16). Thread-safe.
//
// `rewards` is [T]. `values` is [T + 1]: the estimates for every observation, including the final one. `advantages` [T]
// is written. The final value is used unless the MDP `terminated` there: so it is used after a truncation and where a
// piece was cut, and not if an episode reached its end and its step limit at once.
void EstimateAdvantages(std::span<const float> rewards, std::span<const float> values, bool terminated,
                        const AdvantageOptions& options, std::span<float> advantages);

// Makes a batch of this rank's segments, as if it trained alone: s is S. `policy` estimates the values of all
// observations, including each trajectory's final one, on the threads of `backpropagation`. The result points into
// `batches`, which must outlive it.
PpoBatch MakePpoBatch(const std::vector<v1::TrajectoryBatch>& batches, const v1::EnvironmentSpec& environment,
                      const Policy& policy, const AdvantageOptions& options, Backpropagation& backpropagation);

// Adds the advantages and returns of the other ranks' steps to this rank's batch. `own` are the numbers of this rank's
// steps among the `steps` steps of all ranks.
// Errors: the group's.
absl::Status ShareAdvantages(Share own, int64_t steps, LearnerGroup& group, PpoBatch& batch);

// Returns 1 - Var[returns - values] / Var[returns]. A perfect critic has 1, one that knows only the mean has 0. Returns
// 0 if all returns are equal.
double ExplainedVariance(const PpoBatch& batch);

// This rank's part of one minibatch. The buffers are reused for the next one.
class PpoMinibatch {
 public:
  // Takes from the batch those of `steps` that are this rank's. `normalize` scales the advantages so that those of all
  // `steps`, at every rank, have mean 0 and variance 1. A single step's advantage stays as it is.
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
  std::vector<uint32_t> own_;  // the positions of the minibatch's steps among this rank's
  std::vector<float> all_advantages_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_PPO_PPO_BATCH_H_
