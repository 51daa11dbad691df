#include "learner/algorithms/ppo_loss.h"

#include <algorithm>
#include <cmath>
#include <vector>

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

// A row's distribution, by exponentials of its logits less the largest.
struct Distribution {
  double log_sum = 0;  // log Σ exp(logits)
  double sum = 0;      // Σ exp(logit - largest)
  double entropy = 0;
};

// Writes exp(logit - largest) of each.
Distribution Describe(std::span<const float> logits, std::span<double> exponentials) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  Distribution distribution;
  double weighted = 0;
  for (size_t j = 0; j < logits.size(); ++j) {
    const double difference = logits[j] - largest;
    exponentials[j] = std::exp(difference);
    distribution.sum += exponentials[j];
    weighted += exponentials[j] * difference;
  }
  const double log_of_sum = std::log(distribution.sum);
  distribution.log_sum = largest + log_of_sum;
  distribution.entropy = log_of_sum - weighted / distribution.sum;
  return distribution;
}

}  // namespace

PpoLoss& PpoLoss::operator+=(const PpoLoss& other) {
  policy_loss += other.policy_loss;
  value_loss += other.value_loss;
  entropy += other.entropy;
  approximate_kl += other.approximate_kl;
  clip_fraction += other.clip_fraction;
  return *this;
}

PpoLoss ComputePpoLoss(const NetworkOutput& output, const PpoSamples& samples, size_t minibatch_size,
                       const PpoLossOptions& options, const NetworkGradients& gradients) {
  const size_t count = output.values.size();
  const size_t actions = output.logits.size() / count;
  const double scale = 1.0 / static_cast<double>(minibatch_size);
  thread_local std::vector<double> exponentials;
  exponentials.resize(actions);
  PpoLoss mean;
  for (size_t i = 0; i < count; ++i) {
    const std::span<const float> row = output.logits.subspan(i * actions, actions);
    const Distribution distribution = Describe(row, exponentials);
    const double log_ratio = row[samples.actions[i]] - distribution.log_sum - samples.log_probs[i];
    const double ratio = std::exp(log_ratio);
    const Term surrogate = ClippedSurrogate(ratio, samples.advantages[i], options.clip);
    const Term value = ValueError(output.values[i], samples.values[i], samples.returns[i], options.value_clip);

    for (size_t j = 0; j < actions; ++j) {
      const double log_probability = row[j] - distribution.log_sum;
      const double probability = exponentials[j] / distribution.sum;
      const double chosen = static_cast<size_t>(samples.actions[i]) == j ? 1 : 0;
      const double gradient = surrogate.gradient * (chosen - probability) +
                              options.entropy_coefficient * probability * (log_probability + distribution.entropy);
      gradients.logits[i * actions + j] = static_cast<float>(scale * gradient);
    }
    gradients.values[i] = static_cast<float>(scale * options.value_coefficient * value.gradient);

    mean.policy_loss += scale * surrogate.loss;
    mean.value_loss += scale * value.loss;
    mean.entropy += scale * distribution.entropy;
    mean.approximate_kl += scale * (ratio - 1 - log_ratio);
    mean.clip_fraction += std::abs(ratio - 1) > options.clip ? scale : 0;
  }
  return mean;
}

}  // namespace understudy
