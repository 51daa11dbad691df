#include "learner/algorithms/parameter_update.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/trajectory/finite.h"
#include "learner/backpropagation/numerical_fault.h"

namespace understudy {

ParameterUpdate::ParameterUpdate(Policy& policy, std::unique_ptr<Backpropagation> backpropagation, AdamOptions options,
                                 double max_gradient_norm, LearnerGroup& group)
    : policy_(policy),
      backpropagation_(std::move(backpropagation)),
      adam_(options, static_cast<int64_t>(policy.parameters().size())),
      max_gradient_norm_(max_gradient_norm),
      group_(group),
      gradients_(policy.parameters().size()) {}

absl::StatusOr<double> ParameterUpdate::Apply(std::span<const float> observations, bool with_values,
                                              double learning_rate, const Loss& loss) {
  const std::span<float> parameters = policy_.parameters();
  absl::Status fault;
  if (observations.empty()) {
    std::fill(gradients_.begin(), gradients_.end(), 0.0f);
  } else {
    fault = backpropagation_->Compute(parameters, observations, with_values, loss, gradients_);
  }
  // A fault at one rank must end training at all ranks: otherwise they would wait for it in vain.
  if (!fault.ok()) gradients_.front() = std::numeric_limits<float>::quiet_NaN();
  absl::Status status = group_.Sum(gradients_);
  if (!fault.ok()) return fault;
  if (!status.ok()) return status;
  const double norm = GlobalNorm(gradients_);
  if (!std::isfinite(norm)) return Fault("gradient of ", gradients_);
  if (adam_.Step(parameters, gradients_, learning_rate, ClippingScale(norm, max_gradient_norm_))) return norm;
  if (absl::Status named = Fault("", parameters); !named.ok()) return named;
  return Fault("second moment of ", adam_.state().second_moments);
}

absl::Status ParameterUpdate::Fault(std::string_view what, std::span<const float> numbers) const {
  const std::optional<size_t> index = FindNotFinite(numbers);
  if (!index.has_value()) return absl::OkStatus();
  return CheckFinite(absl::StrCat(std::string(what), policy_.TensorAt(*index)), numbers[*index]);
}

}  // namespace understudy
