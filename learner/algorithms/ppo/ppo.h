// Proximal policy optimisation (Schulman et al. 2017, "Proximal policy optimization algorithms").
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_PPO_PPO_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_PPO_PPO_H_

#include "absl/status/statusor.h"
#include "learner/algorithms/algorithm.h"

namespace understudy {

// Trains in iterations. In each, actors collect one segment of every slot, and the learner passes over these steps in
// shuffled minibatches for some epochs. Working versions are counted from 1: iteration i begins with version i.
//
// Actors act with the parameters that the iteration begins with (strictly on-policy). With max_policy_lag 1 they act
// with those that the iteration before began with, so that they collect while the learner trains. Values for the
// advantages always come from the newest parameters.
//
// Training ends when the stop rule is reached, or when the budget of environment steps has no room for another
// iteration. It never takes more steps than the budget: the result says how many were asked for and how many were
// trained. A last, shorter iteration would not use the rest better. A rest smaller than the number of slots would
// remain; its advantages would be normalised over fewer steps; and by then the linear schedules have all but reached 0.
//
// Each iteration reports these means over its minibatches: approximate_kl, clip_fraction, entropy, policy_loss,
// value_loss, gradient_norm. It also reports explained_variance (of the critic before the update), mean_return (of the
// last 100 training episodes), learning_rate, environment_steps, seconds since the start, and after an evaluation
// evaluation_mean_return. After an iteration it may save a checkpoint (see TrainingState::EndIteration), and it can go
// on from any of them.
//
// Errors: INTERNAL for a number that is not finite, which is named with its iteration ("ppo: gradient of actor.1.weight
// is nan in iteration 7"); nothing of that iteration is reported or saved. INVALID_ARGUMENT for a budget of less than
// one iteration, and as StartingPolicy. Errors of rollouts are the context's after "iteration i: "; others are the
// context's.
absl::StatusOr<TrainingOutput> TrainPpo(const TrainingInput& input, TrainingContext& context);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_PPO_PPO_H_
