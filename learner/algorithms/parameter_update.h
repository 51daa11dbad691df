// One step of gradient descent: forward, a loss worked out by hand, backward, clip, Adam.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_PARAMETER_UPDATE_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_PARAMETER_UPDATE_H_

#include <ATen/ATen.h>

#include <functional>
#include <span>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/policy/policy.h"
#include "learner/optimizer.h"

namespace understudy {

// What the network made of M observations.
struct NetworkOutput {
  std::span<const float> logits;  // [M × n]
  std::span<const float> values;  // [M], or empty
};

// Where the derivatives of the loss by the output go: of the same sizes.
struct NetworkGradients {
  std::span<float> logits;
  std::span<float> values;
};

// Thread-compatible; the policy must outlive it and stay where it is.
class ParameterUpdate {
 public:
  // `max_gradient_norm`: 0: no clipping.
  ParameterUpdate(const Policy& policy, AdamOptions options, double max_gradient_norm);

  // Writes the derivatives of the loss by the network's output. Its error is Apply's.
  using Loss = std::function<absl::Status(const NetworkOutput&, const NetworkGradients&)>;

  // Updates the policy's parameters by the loss that `loss` differentiates. Returns the global gradient norm before
  // clipping. INTERNAL names what is not finite: "element 5 of logits is nan", "gradient of actor.1.weight is nan",
  // where parameters and optimiser stay as they are; or, after the update, "actor.1.weight is inf".
  absl::StatusOr<double> Apply(const at::Tensor& observations, bool with_values, double learning_rate,
                               const Loss& loss);

  const Adam& optimizer() const { return adam_; }
  Adam& optimizer() { return adam_; }

 private:
  absl::Status Fault(std::string_view what, std::span<const float> numbers) const;

  const Policy& policy_;
  Adam adam_;
  double max_gradient_norm_;
};

// Views of a contiguous float32 tensor's numbers; empty for an undefined one.
std::span<const float> Numbers(const at::Tensor& tensor);
std::span<float> MutableNumbers(const at::Tensor& tensor);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_PARAMETER_UPDATE_H_
