// One step of gradient descent: backpropagation of a loss, all ranks' gradients summed, clip, Adam.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_PARAMETER_UPDATE_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_PARAMETER_UPDATE_H_

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/policy/policy.h"
#include "learner/algorithms/optimizer.h"
#include "learner/backpropagation/backpropagation.h"
#include "learner/group/learner_group.h"

namespace understudy {

// Thread-compatible; the policy, which must stay where it is, and the group must outlive it.
class ParameterUpdate {
 public:
  // `max_gradient_norm`: 0: no clipping.
  ParameterUpdate(Policy& policy, std::unique_ptr<Backpropagation> backpropagation, AdamOptions options,
                  double max_gradient_norm, LearnerGroup& group);

  // Updates the policy's parameters by the loss of `observations` [M, observation size] that `loss` differentiates:
  // this rank's part of a minibatch, perhaps none of it. The sum of all ranks' losses is what is minimised. The group's
  // errors; else returns the global gradient norm before clipping. INTERNAL names what is not finite: "element 5 of
  // logits is nan", "gradient of actor.1.weight is nan", where parameters and optimiser stay as they are; or, after the
  // update, "actor.1.weight is inf".
  absl::StatusOr<double> Apply(std::span<const float> observations, bool with_values, double learning_rate,
                               const Loss& loss);

  Backpropagation& backpropagation() { return *backpropagation_; }
  const Adam& optimizer() const { return adam_; }
  Adam& optimizer() { return adam_; }

 private:
  absl::Status Fault(std::string_view what, std::span<const float> numbers) const;

  Policy& policy_;
  const std::unique_ptr<Backpropagation> backpropagation_;
  Adam adam_;
  double max_gradient_norm_;
  LearnerGroup& group_;
  std::vector<float> gradients_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_PARAMETER_UPDATE_H_
