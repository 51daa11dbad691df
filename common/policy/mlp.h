// A multi-layer perceptron as actor and critic, for discrete actions.
#ifndef UNDERSTUDY_COMMON_POLICY_MLP_H_
#define UNDERSTUDY_COMMON_POLICY_MLP_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/policy/dense.h"
#include "common/policy/network.h"

namespace understudy {

// A fully connected layer, and the place of its parameters in the flat buffer. Its weight [inputs, outputs] begins at
// `offset`, and its bias [outputs] follows.
struct MlpLayer {
  std::string name;
  size_t inputs = 0;
  size_t outputs = 0;
  size_t offset = 0;

  size_t weight_count() const { return inputs * outputs; }
  DenseLayer Of(std::span<const float> parameters) const {
    return {.weights = parameters.subspan(offset, weight_count()),
            .bias = parameters.subspan(offset + weight_count(), outputs)};
  }
  DenseGradient Of(std::span<float> gradients) const {
    return {.weights = gradients.subspan(offset, weight_count()),
            .bias = gradients.subspan(offset + weight_count(), outputs)};
  }
};

// The layers of a multi-layer perceptron: hidden layers, then one linear head for the logits and one for the value.
// With separate trunks actor and critic each have hidden layers of their own. With a shared trunk they share them all.
//
// The actor's hidden layers and head come first in the flat buffer. The critic's hidden layers, if it has its own, and
// its head follow. Layers are named actor.0, actor.1 … and critic.0 …; shared ones are named trunk.0 …
struct MlpLayout {
  // Errors: INVALID_ARGUMENT for an action space that is not discrete, an observation space that is no box, or a
  // setting that is not in NetworkSpec's lists.
  static absl::StatusOr<MlpLayout> Create(const v1::PolicyHeader& header);

  bool relu = false;  // otherwise tanh
  bool shared = false;
  size_t hidden = 0;  // layers before a head
  size_t widest = 0;  // outputs of the widest hidden layer
  std::vector<MlpLayer> layers;

  // Indices of the first of `hidden` hidden layers, and of the heads.
  size_t actor_trunk() const { return 0; }
  size_t actor_head() const { return hidden; }
  size_t critic_trunk() const { return shared ? 0 : hidden + 1; }
  size_t critic_head() const { return layers.size() - 1; }

  size_t observation_size() const { return layers.front().inputs; }
  size_t actions() const { return layers[actor_head()].outputs; }
  size_t parameter_count() const { return layers.back().offset + layers.back().weight_count() + layers.back().outputs; }
};

// Makes a multi-layer perceptron. It is initialised with orthogonal weights of gain √2 in hidden layers, 0.01 in the
// policy head and 1 in the value head, and with zero biases (Saxe et al. 2013, "Exact solutions to the nonlinear
// dynamics of learning in deep linear neural networks"). Errors: as MlpLayout::Create.
absl::StatusOr<std::unique_ptr<Network>> MakeMlp(const v1::PolicyHeader& header);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_MLP_H_
