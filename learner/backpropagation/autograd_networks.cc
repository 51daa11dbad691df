#include "learner/backpropagation/autograd_networks.h"

namespace understudy {
namespace {

at::Tensor Linear(const std::vector<at::Tensor>& parameters, size_t layer, const at::Tensor& input) {
  return at::addmm(parameters[2 * layer + 1], input, parameters[2 * layer]);
}

at::Tensor Hidden(const AutogradNetwork& network, const std::vector<at::Tensor>& parameters, size_t first_layer,
                  at::Tensor features) {
  for (size_t i = 0; i < static_cast<size_t>(network.hidden_layers); ++i) {
    features = Linear(parameters, first_layer + i, features);
    features = network.activation == "relu" ? at::relu(features) : at::tanh(features);
  }
  return features;
}

// Layers as in common/policy/mlp.h.
AutogradOutput MlpForward(const AutogradNetwork& network, const std::vector<at::Tensor>& parameters,
                          const at::Tensor& observations, bool with_values) {
  const auto hidden = static_cast<size_t>(network.hidden_layers);
  const at::Tensor actor = Hidden(network, parameters, 0, observations);
  AutogradOutput output{.logits = Linear(parameters, hidden, actor), .values = {}};
  if (with_values) {
    const at::Tensor critic = network.trunk == "shared" ? actor : Hidden(network, parameters, hidden + 1, observations);
    output.values = Linear(parameters, parameters.size() / 2 - 1, critic).squeeze(1);
  }
  return output;
}

struct Entry {
  const char* type;
  AutogradForward forward;
};

// The table of forward passes.
constexpr Entry kForwards[] = {
    {"mlp", MlpForward},
};

}  // namespace

AutogradForward FindAutogradForward(const std::string& type) {
  for (const Entry& entry : kForwards) {
    if (type == entry.type) return entry.forward;
  }
  return nullptr;
}

}  // namespace understudy
