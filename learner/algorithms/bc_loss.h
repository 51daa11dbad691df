// Losses of behavioural cloning and their gradients with respect to what the network puts out, worked out by hand.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_BC_LOSS_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_BC_LOSS_H_

#include <cstdint>
#include <span>

#include "learner/backpropagation/backpropagation.h"

namespace understudy {

// Means over a minibatch's samples, or what some of them contribute to these.
struct BcLoss {
  double loss = 0;
  double accuracy = 0;  // share of samples where the student's greedy action is the demonstrated one

  BcLoss& operator+=(const BcLoss& other) {
    loss += other.loss;
    accuracy += other.accuracy;
    return *this;
  }
};

// What was demonstrated in M samples. `logits` [M × n] and `values` [M] for distillation only.
struct BcSamples {
  std::span<const int32_t> actions;
  std::span<const float> logits;
  std::span<const float> values;

  // `count` of them from `first` on.
  BcSamples Part(size_t first, size_t count) const {
    const size_t n = logits.size() / actions.size();
    return {actions.subspan(first, count), logits.subspan(n * first, n * (logits.empty() ? 0 : count)),
            values.empty() ? values : values.subspan(first, count)};
  }
};

// Cross-entropy of the student's distribution and the demonstrated actions. Thread-safe, as is the other. Both return
// what these samples contribute to the means over `minibatch_size` of them, and write its gradients unless `gradients`
// is empty.
BcLoss CrossEntropy(const NetworkOutput& output, const BcSamples& samples, size_t minibatch_size,
                    const NetworkGradients& gradients);

// Smooth L1 (Huber, threshold 1) of student's and teacher's logits, mean over samples and actions, plus
// `value_coefficient` × the mean squared error of their values.
BcLoss Distillation(const NetworkOutput& output, const BcSamples& samples, size_t minibatch_size,
                    double value_coefficient, const NetworkGradients& gradients);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_BC_LOSS_H_
