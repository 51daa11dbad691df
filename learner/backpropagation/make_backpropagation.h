// Chooses how a network is differentiated: by code of our own, or by LibTorch.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_MAKE_BACKPROPAGATION_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_MAKE_BACKPROPAGATION_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "learner/backpropagation/autograd_backpropagation.h"
#include "learner/backpropagation/backpropagation.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {

// Makes our own backpropagation if there is one for the network and `device` (auto, cpu or cuda) allows it, and
// otherwise LibTorch's autograd. `threads` 0 means UsableCores(), at most four.
// Errors: as MakeNetwork and MakeAutogradBackpropagation.
absl::StatusOr<std::unique_ptr<Backpropagation>> MakeBackpropagation(const v1::PolicyHeader& header,
                                                                     const std::string& device, int threads);

// Describes the policy's network for autograd.
// Errors: INVALID_ARGUMENT as MakeNetwork.
absl::StatusOr<AutogradNetwork> DescribeForAutograd(const v1::PolicyHeader& header);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_MAKE_BACKPROPAGATION_H_
