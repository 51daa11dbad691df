// One step of gradient descent: forward, a loss worked out by hand, backward, clip, Adam.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_PARAMETER_UPDATE_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_PARAMETER_UPDATE_H_

#include <ATen/ATen.h>

#include <functional>
#include <span>
#include <vector>

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

  // Updates the policy's parameters by the loss that `loss` differentiates. Returns the global gradient norm before
  // clipping; where it is not finite, the parameters stay as they are.
  double Apply(const at::Tensor& observations, bool with_values, double learning_rate,
               const std::function<void(const NetworkOutput&, const NetworkGradients&)>& loss);

 private:
  const Policy& policy_;
  Adam adam_;
  double max_gradient_norm_;
};

// View of a contiguous float32 tensor's numbers; empty for an undefined one.
std::span<const float> Numbers(const at::Tensor& tensor);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_PARAMETER_UPDATE_H_
