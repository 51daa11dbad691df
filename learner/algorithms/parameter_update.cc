#include "learner/algorithms/parameter_update.h"

#include <torch/csrc/autograd/autograd.h>

#include <cmath>

namespace understudy {
namespace {

std::span<float> MutableNumbers(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel())};
}

at::Tensor EmptyLike(const at::Tensor& tensor) {
  return tensor.defined() ? at::empty(tensor.sizes(), at::kFloat) : at::Tensor();
}

}  // namespace

ParameterUpdate::ParameterUpdate(const Policy& policy, AdamOptions options, double max_gradient_norm)
    : policy_(policy), adam_(options, policy.parameters().numel()), max_gradient_norm_(max_gradient_norm) {}

double ParameterUpdate::Apply(const at::Tensor& observations, bool with_values, double learning_rate,
                              const std::function<void(const NetworkOutput&, const NetworkGradients&)>& loss) {
  const Policy::Output output = policy_.Forward(observations, with_values);
  const at::Tensor logit_gradients = EmptyLike(output.logits);
  const at::Tensor value_gradients = EmptyLike(output.values);
  loss({.logits = Numbers(output.logits), .values = Numbers(output.values)},
       {.logits = MutableNumbers(logit_gradients), .values = MutableNumbers(value_gradients)});

  policy_.gradients().zero_();
  if (with_values) {
    torch::autograd::backward({output.logits, output.values}, {logit_gradients, value_gradients});
  } else {
    torch::autograd::backward({output.logits}, {logit_gradients});
  }
  const std::span<float> gradients = MutableNumbers(policy_.gradients());
  const double norm = ClipGlobalNorm(gradients, max_gradient_norm_);
  if (std::isfinite(norm)) adam_.Step(MutableNumbers(policy_.parameters()), gradients, learning_rate);
  return norm;
}

std::span<const float> Numbers(const at::Tensor& tensor) { return MutableNumbers(tensor); }

}  // namespace understudy
