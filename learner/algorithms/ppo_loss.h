// PPO's loss and its gradient with respect to what the network puts out, worked out by hand.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_PPO_LOSS_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_PPO_LOSS_H_

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

// M samples of a minibatch: what was done, and what the behaviour policy and the advantage estimator said of it. All
// [M].
struct PpoSamples {
  std::span<const int32_t> actions;
  std::span<const float> log_probs;
  std::span<const float> values;
  std::span<const float> advantages;
  std::span<const float> returns;

  // `count` of them from `first` on.
  PpoSamples Part(size_t first, size_t count) const {
    return {actions.subspan(first, count), log_probs.subspan(first, count), values.subspan(first, count),
            advantages.subspan(first, count), returns.subspan(first, count)};
  }
};

// Means over a minibatch's samples, or what some of them contribute to these.
struct PpoLoss {
  double policy_loss = 0;
  double value_loss = 0;
  double entropy = 0;
  double approximate_kl = 0;  // E[r - 1 - log r]: Schulman 2020, "Approximating KL divergence", k3
  double clip_fraction = 0;   // samples whose ratio is outside 1 ± clip

  PpoLoss& operator+=(const PpoLoss& other);
};

// policy_loss + value_coefficient × value_loss - entropy_coefficient × entropy, where policy_loss is the negated
// clipped surrogate (Schulman et al. 2017, equation 7), value_loss the squared error to the returns (with value_clip,
// the larger one of it and of that of the value held within ± value_clip of the behaviour policy's). Returns what these
// samples contribute to the means over `minibatch_size` of them, and writes the gradients of that. Thread-safe.
PpoLoss ComputePpoLoss(const NetworkOutput& output, const PpoSamples& samples, size_t minibatch_size,
                       const PpoLossOptions& options, const NetworkGradients& gradients);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_PPO_LOSS_H_
