// One step of gradient descent: backpropagates a loss, sums the gradients of all ranks, clips them, and applies Adam.
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

// Thread-compatible. The policy, which must stay where it is, and the group must outlive the object.
class ParameterUpdate {
 public:
  // A `max_gradient_norm` of 0 means no clipping.
  ParameterUpdate(Policy& policy, std::unique_ptr<Backpropagation> backpropagation, AdamOptions options,
                  double max_gradient_norm, LearnerGroup& group);

  // Updates the policy's parameters so as to reduce the sum of all ranks' losses. Returns the global norm of the
  // gradient before clipping. `observations` [M, observation size] are this rank's part of a minibatch, which may be
  // empty. `with_values` says whether the loss depends on the network's values. `loss` computes the loss and its
  // derivatives.
  // Errors: INTERNAL names what is not finite. For "element 5 of logits is nan" and "gradient of actor.1.weight is nan"
  // parameters and optimiser stay as they are; "actor.1.weight is inf" comes after the update. Others are the group's.
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
