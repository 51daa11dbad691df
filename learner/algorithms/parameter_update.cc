#include "learner/algorithms/parameter_update.h"

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "learner/algorithms/numerical_fault.h"

namespace understudy {
namespace {

at::Tensor EmptyLike(const at::Tensor& tensor) {
  return tensor.defined() ? at::empty(tensor.sizes(), at::kFloat) : at::Tensor();
}

}  // namespace

ParameterUpdate::ParameterUpdate(const Policy& policy, AdamOptions options, double max_gradient_norm)
    : policy_(policy), adam_(options, policy.parameters().numel()), max_gradient_norm_(max_gradient_norm) {}

absl::StatusOr<double> ParameterUpdate::Apply(const at::Tensor& observations, bool with_values, double learning_rate,
                                              const Loss& loss) {
  const Policy::Output output = policy_.Forward(observations, with_values);
  const NetworkOutput numbers{.logits = Numbers(output.logits), .values = Numbers(output.values)};
  if (absl::Status status = CheckFinite("logits", numbers.logits); !status.ok()) return status;
  if (absl::Status status = CheckFinite("values", numbers.values); !status.ok()) return status;
  const at::Tensor logit_gradients = EmptyLike(output.logits);
  const at::Tensor value_gradients = EmptyLike(output.values);
  absl::Status status =
      loss(numbers, {.logits = MutableNumbers(logit_gradients), .values = MutableNumbers(value_gradients)});
  if (!status.ok()) return status;

  policy_.gradients().zero_();
  if (with_values) {
    torch::autograd::backward({output.logits, output.values}, {logit_gradients, value_gradients});
  } else {
    torch::autograd::backward({output.logits}, {logit_gradients});
  }
  const std::span<float> gradients = MutableNumbers(policy_.gradients());
  const std::span<float> parameters = MutableNumbers(policy_.parameters());
  const double norm = ClipGlobalNorm(gradients, max_gradient_norm_);
  if (!std::isfinite(norm)) return Fault("gradient of ", gradients);
  if (adam_.Step(parameters, gradients, learning_rate)) return norm;
  if (absl::Status fault = Fault("", parameters); !fault.ok()) return fault;
  return Fault("second moment of ", adam_.state().second_moments);
}

absl::Status ParameterUpdate::Fault(std::string_view what, std::span<const float> numbers) const {
  const std::optional<size_t> index = FindNotFinite(numbers);
  if (!index.has_value()) return absl::OkStatus();
  return CheckFinite(absl::StrCat(std::string(what), policy_.TensorAt(static_cast<int64_t>(*index))), numbers[*index]);
}

std::span<float> MutableNumbers(const at::Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {tensor.data_ptr<float>(), static_cast<size_t>(tensor.numel())};
}

std::span<const float> Numbers(const at::Tensor& tensor) { return MutableNumbers(tensor); }

}  // namespace understudy
