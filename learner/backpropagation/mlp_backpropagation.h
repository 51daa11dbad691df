// Backpropagation through a multi-layer perceptron, written by hand on dense.h's arithmetic.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_MLP_BACKPROPAGATION_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_MLP_BACKPROPAGATION_H_

#include <memory>

#include "common/policy/mlp.h"
#include "learner/backpropagation/backpropagation.h"

namespace understudy {

// The forward pass has the bits of Policy::Infer. A minibatch is divided into parts by its size and the network's
// alone, and the parts' gradients are added up in their order: the result has the same bits on every processor and for
// every number of `threads` (≥ 1). After the first call with so many rows nothing is allocated.
std::unique_ptr<Backpropagation> MakeMlpBackpropagation(MlpLayout layout, int threads);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_MLP_BACKPROPAGATION_H_
