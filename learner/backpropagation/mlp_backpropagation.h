// Backpropagation through a multi-layer perceptron, with the arithmetic of dense.h.
#ifndef UNDERSTUDY_LEARNER_BACKPROPAGATION_MLP_BACKPROPAGATION_H_
#define UNDERSTUDY_LEARNER_BACKPROPAGATION_MLP_BACKPROPAGATION_H_

#include <memory>

#include "common/policy/mlp.h"
#include "learner/backpropagation/backpropagation.h"

namespace understudy {

// Makes the backpropagation of a multi-layer perceptron. Its result has the same bits on every processor and for every
// number of `threads` (at least 1). The reason: only the sizes of minibatch and network decide how a minibatch is
// divided into parts, and the parts' gradients are added up in order. The forward pass has the bits of Policy::Infer. A
// call allocates nothing if an earlier call had as many rows.
std::unique_ptr<Backpropagation> MakeMlpBackpropagation(MlpLayout layout, int threads);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_BACKPROPAGATION_MLP_BACKPROPAGATION_H_
