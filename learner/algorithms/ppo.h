// Proximal policy optimisation (Schulman et al. 2017, "Proximal policy optimization algorithms").
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_PPO_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_PPO_H_

#include "absl/status/statusor.h"
#include "learner/algorithms/algorithm.h"

namespace understudy {

// Iterations of: every slot's segment, then epochs of minibatches on them. Segments are collected with the parameters
// that the iteration begins with (strictly on-policy); with max_policy_lag 1 with those that the iteration before began
// with, so that actors collect while the learner learns. Values for advantages are always estimated with the newest
// parameters. As many whole iterations as the budget of environment steps has room for; fewer where the stop rule is
// reached. What is left of the budget is not trained: see ARCHITECTURE.md. The learner's working versions are 1, 2, 3
// …: iteration i begins with version i.
//
// Metrics of an iteration, in means over its minibatches: approximate_kl, clip_fraction, entropy, policy_loss,
// value_loss, gradient_norm; besides: explained_variance (of the critic before the update), mean_return (of the last
// 100 training episodes), learning_rate, environment_steps, seconds since the start, and after an evaluation
// evaluation_mean_return.
//
// After an iteration it offers a checkpoint (see TrainingState::CheckpointDue), and goes on from one, where it stood.
//
// INTERNAL: a number that is not finite, naming it and the iteration ("ppo: gradient of actor.1.weight is nan in
// iteration 7"): nothing of that iteration is reported or saved. INVALID_ARGUMENT: as StartingPolicy. Errors of
// rollouts are the context's after "iteration i: ", and others the context's.
absl::StatusOr<TrainingOutput> TrainPpo(const TrainingInput& input, TrainingContext& context);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_PPO_H_
