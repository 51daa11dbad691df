// The losses of behavioural cloning, with their gradients by the network's output.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_BC_BC_LOSS_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_BC_BC_LOSS_H_

#include <cstdint>
#include <span>

#include "learner/backpropagation/backpropagation.h"

namespace understudy {

// Means over a minibatch's samples, or what some of its samples contribute to the means.
struct BcLoss {
  double loss = 0;
  double accuracy = 0;  // share of samples where the student's greedy action is the demonstrated one

  BcLoss& operator+=(const BcLoss& other) {
    loss += other.loss;
    accuracy += other.accuracy;
    return *this;
  }
};

// What the expert did in M samples. Only distillation uses `logits` [M × n] and `values` [M].
struct BcSamples {
  std::span<const int32_t> actions;
  std::span<const float> logits;
  std::span<const float> values;

  // Returns the `count` samples from `first` on.
  BcSamples Part(size_t first, size_t count) const {
    const size_t n = logits.size() / actions.size();
    return {actions.subspan(first, count), logits.subspan(n * first, n * (logits.empty() ? 0 : count)),
            values.empty() ? values : values.subspan(first, count)};
  }
};

// Both functions return what these samples contribute to the means over a minibatch of `minibatch_size`, and write the
// gradients of that unless `gradients` is empty. Both are thread-safe.

// Computes the cross-entropy of the student's distribution and the demonstrated actions.
BcLoss CrossEntropy(const NetworkOutput& output, const BcSamples& samples, size_t minibatch_size,
                    const NetworkGradients& gradients);

// Computes the smooth L1 loss (Huber, threshold 1) between the student's and the teacher's logits, as a mean over
// samples and actions, plus `value_coefficient` × the mean squared error of the values.
BcLoss Distillation(const NetworkOutput& output, const BcSamples& samples, size_t minibatch_size,
                    double value_coefficient, const NetworkGradients& gradients);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_BC_BC_LOSS_H_
