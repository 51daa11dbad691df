// Which backpropagation a network gets.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_MAKE_BACKPROPAGATION_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_MAKE_BACKPROPAGATION_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "learner/backpropagation/autograd_backpropagation.h"
#include "learner/backpropagation/backpropagation.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {

// The one written by hand where there is one for the network and `device` (auto, cpu or cuda) allows it; LibTorch's
// autograd otherwise. `threads`: 0: UsableCores(), at most four. Errors are MakeNetwork's and
// MakeAutogradBackpropagation's.
absl::StatusOr<std::unique_ptr<Backpropagation>> MakeBackpropagation(const v1::PolicyHeader& header,
                                                                     const std::string& device, int threads);

// What autograd is told of the policy's network. INVALID_ARGUMENT as MakeNetwork.
absl::StatusOr<AutogradNetwork> DescribeForAutograd(const v1::PolicyHeader& header);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_MAKE_BACKPROPAGATION_H_
