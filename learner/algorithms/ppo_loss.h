// PPO's loss and its gradient with respect to what the network puts out, worked out by hand: a few scalar operations a
// sample instead of some fifty small tensors. The network's own gradient is LibTorch's business.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_PPO_LOSS_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_PPO_LOSS_H_

#include <cstdint>
#include <span>

namespace understudy {

struct PpoLossOptions {
  double clip = 0.2;
  double value_clip = 0;  // 0: none
  double value_coefficient = 0.5;
  double entropy_coefficient = 0;
};

// M samples: what was done, and what the behaviour policy and the advantage estimator said of it. All [M].
struct PpoSamples {
  std::span<const int32_t> actions;
  std::span<const float> log_probs;
  std::span<const float> values;
  std::span<const float> advantages;
  std::span<const float> returns;
};

// Means over the samples.
struct PpoLoss {
  double policy_loss = 0;
  double value_loss = 0;
  double entropy = 0;
  double approximate_kl = 0;  // E[r - 1 - log r]: Schulman 2020, "Approximating KL divergence", k3
  double clip_fraction = 0;   // samples whose ratio is outside 1 ± clip
};

// policy_loss + value_coefficient × value_loss - entropy_coefficient × entropy, where policy_loss is the negated
// clipped surrogate (Schulman et al. 2017, equation 7), value_loss the squared error to the returns (with value_clip,
// the larger one of it and of that of the value held within ± value_clip of the behaviour policy's). `logits`: [M × n],
// `values`: [M]. Writes the gradients of the sum into the last two, of the same sizes. Thread-safe.
PpoLoss ComputePpoLoss(std::span<const float> logits, std::span<const float> values, const PpoSamples& samples,
                       const PpoLossOptions& options, std::span<float> logit_gradients,
                       std::span<float> value_gradients);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_PPO_LOSS_H_
