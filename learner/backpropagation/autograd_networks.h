// The forward passes of networks in LibTorch's operations.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_NETWORKS_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_NETWORKS_H_

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "learner/backpropagation/autograd_backpropagation.h"

namespace understudy {

struct AutogradOutput {
  at::Tensor logits;  // [N, n]
  at::Tensor values;  // [N]; undefined unless asked for
};

// Computes the output, differentiably by the parameters, which have the network's shapes. `observations` is float32
// [N, observation size].
using AutogradForward = AutogradOutput (*)(const AutogradNetwork& network, const std::vector<at::Tensor>& parameters,
                                           const at::Tensor& observations, bool with_values);

// Looks a forward pass up in the table of forward passes. Returns null if there is none for this type.
AutogradForward FindAutogradForward(const std::string& type);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_AUTOGRAD_NETWORKS_H_
