// Losses of behavioural cloning and their gradients with respect to what the network puts out, worked out by hand.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_BC_LOSS_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_BC_LOSS_H_

#include <cstdint>
#include <span>

#include "learner/algorithms/parameter_update.h"

namespace understudy {

// Means over the samples.
struct BcLoss {
  double loss = 0;
  double accuracy = 0;  // share of samples where the student's greedy action is the demonstrated one
};

// What was demonstrated in M samples. `logits` [M × n] and `values` [M] for distillation only.
struct BcSamples {
  std::span<const int32_t> actions;
  std::span<const float> logits;
  std::span<const float> values;
};

// Cross-entropy of the student's distribution and the demonstrated actions. Thread-safe, as is the other.
// Both write gradients unless `gradients` is empty.
BcLoss CrossEntropy(const NetworkOutput& output, const BcSamples& samples, const NetworkGradients& gradients);

// Smooth L1 (Huber, threshold 1) of student's and teacher's logits, mean over samples and actions, plus
// `value_coefficient` × the mean squared error of their values.
BcLoss Distillation(const NetworkOutput& output, const BcSamples& samples, double value_coefficient,
                    const NetworkGradients& gradients);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_BC_LOSS_H_
