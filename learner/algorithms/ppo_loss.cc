#include "learner/algorithms/ppo_loss.h"

#include <algorithm>
#include <cmath>

#include "common/policy/categorical.h"

namespace understudy {
namespace {

// A loss and its derivative.
struct Term {
  double loss = 0;
  double gradient = 0;
};

// The negated clipped surrogate of one sample, by the log-probability of its action.
Term ClippedSurrogate(double ratio, double advantage, double clip) {
  const double unclipped = ratio * advantage;
  const double clipped = std::clamp(ratio, 1 - clip, 1 + clip) * advantage;
  if (clipped < unclipped) return {.loss = -clipped, .gradient = 0};
  return {.loss = -unclipped, .gradient = -unclipped};
}

// The squared error of one value estimate.
Term ValueError(double value, double old_value, double target, double clip) {
  const double error = value - target;
  const Term unclipped{.loss = error * error, .gradient = 2 * error};
  if (clip <= 0) return unclipped;
  const double held_error = std::clamp(value, old_value - clip, old_value + clip) - target;
  if (held_error * held_error <= unclipped.loss) return unclipped;
  return {.loss = held_error * held_error, .gradient = 0};
}

}  // namespace

PpoLoss ComputePpoLoss(std::span<const float> logits, std::span<const float> values, const PpoSamples& samples,
                       const PpoLossOptions& options, std::span<float> logit_gradients,
                       std::span<float> value_gradients) {
  const size_t count = values.size();
  const size_t actions = logits.size() / count;
  const double scale = 1.0 / static_cast<double>(count);
  PpoLoss mean;
  for (size_t i = 0; i < count; ++i) {
    const std::span<const float> row = logits.subspan(i * actions, actions);
    const double log_sum = LogSumExp(row);
    const double log_ratio = row[samples.actions[i]] - log_sum - samples.log_probs[i];
    const double ratio = std::exp(log_ratio);
    const Term surrogate = ClippedSurrogate(ratio, samples.advantages[i], options.clip);
    const Term value = ValueError(values[i], samples.values[i], samples.returns[i], options.value_clip);

    double entropy = 0;
    for (const float logit : row) entropy -= std::exp(logit - log_sum) * (logit - log_sum);
    for (size_t j = 0; j < actions; ++j) {
      const double log_probability = row[j] - log_sum;
      const double probability = std::exp(log_probability);
      const double chosen = static_cast<size_t>(samples.actions[i]) == j ? 1 : 0;
      const double gradient = surrogate.gradient * (chosen - probability) +
                              options.entropy_coefficient * probability * (log_probability + entropy);
      logit_gradients[i * actions + j] = static_cast<float>(scale * gradient);
    }
    value_gradients[i] = static_cast<float>(scale * options.value_coefficient * value.gradient);

    mean.policy_loss += scale * surrogate.loss;
    mean.value_loss += scale * value.loss;
    mean.entropy += scale * entropy;
    mean.approximate_kl += scale * (ratio - 1 - log_ratio);
    mean.clip_fraction += std::abs(ratio - 1) > options.clip ? scale : 0;
  }
  return mean;
}

}  // namespace understudy
