// A multi-layer perceptron as actor and critic, for discrete actions.
#ifndef UNDERSTUDY_COMMON_POLICY_MLP_H_
#define UNDERSTUDY_COMMON_POLICY_MLP_H_

#include <memory>

#include "absl/status/statusor.h"
#include "common/policy/network.h"

namespace understudy {

// Hidden layers of the given sizes and activation, then one linear head each for logits and value. Separate trunks:
// actor and critic have hidden layers of their own; shared: they share them all.
//
// Parameters: a weight [inputs, outputs] and a bias [outputs] for every layer; the actor's hidden layers and head come
// first, then the critic's hidden layers (where separate) and head. They are called actor.0.weight, actor.0.bias,
// actor.1.weight … and critic.0.weight …, layers that both share trunk.0.weight ….
// Initialisation: orthogonal weights (Saxe et al. 2013) with gain √2 in hidden layers, 0.01 in the policy head, 1 in
// the value head; zero biases.
//
// INVALID_ARGUMENT: an action space that is not discrete, or a setting that is not in NetworkSpec's lists.
absl::StatusOr<std::unique_ptr<Network>> MakeMlp(const v1::PolicyHeader& header);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_MLP_H_
