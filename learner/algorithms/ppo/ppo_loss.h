// PPO's loss, with its gradient by the network's output.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_PPO_PPO_LOSS_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_PPO_PPO_LOSS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "learner/backpropagation/backpropagation.h"

namespace understudy {

struct PpoLossOptions {
  double clip = 0.2;
  double value_clip = 0;  // 0: none
  double value_coefficient = 0.5;
  double entropy_coefficient = 0;
};

// M samples of a minibatch: the actions taken, the acting policy's log-probabilities, the value estimates, the
// advantages and the returns. Every column is [M].
struct PpoSamples {
  std::span<const int32_t> actions;
  std::span<const float> log_probs;
  std::span<const float> values;
  std::span<const float> advantages;
  std::span<const float> returns;

  // Returns the `count` samples from `first` on.
  PpoSamples Part(size_t first, size_t count) const {
    return {actions.subspan(first, count), log_probs.subspan(first, count), values.subspan(first, count),
            advantages.subspan(first, count), returns.subspan(first, count)};
  }
};

// Means over a minibatch's samples, or what some of its samples contribute to the means.
struct PpoLoss {
  double policy_loss = 0;
  double value_loss = 0;
  double entropy = 0;
  double approximate_kl = 0;  // E[r - 1 - log r]: Schulman 2020, "Approximating KL divergence", k3
  double clip_fraction = 0;   // samples whose ratio is outside 1 ± clip

  PpoLoss& operator+=(const PpoLoss& other);
};

// Returns what these samples contribute to the means over a minibatch of `minibatch_size`, and writes the gradients of
// that. The loss is policy_loss + value_coefficient × value_loss - entropy_coefficient × entropy. Thread-safe.
//
// policy_loss is the negated clipped surrogate (Schulman et al. 2017, equation 7). value_loss is the squared error of
// the value to the return. With value_clip it is the larger one of two such errors: the value's own, and that of the
// value clipped to within ± value_clip of the acting policy's estimate.
PpoLoss ComputePpoLoss(const NetworkOutput& output, const PpoSamples& samples, size_t minibatch_size,
                       const PpoLossOptions& options, const NetworkGradients& gradients);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_PPO_PPO_LOSS_H_
