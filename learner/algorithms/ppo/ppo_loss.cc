#include "learner/algorithms/ppo/ppo_loss.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "learner/algorithms/exponentials.h"

namespace understudy {
namespace {

// A loss and its derivative.
struct Term {
  double loss = 0;
  double gradient = 0;
};

// Computes the negated clipped surrogate of one sample, and its derivative by the log-probability of the action.
Term ClippedSurrogate(double ratio, double advantage, double clip) {
  const double unclipped = ratio * advantage;
  const double clipped = std::clamp(ratio, 1 - clip, 1 + clip) * advantage;
  if (clipped < unclipped) return {.loss = -clipped, .gradient = 0};
  return {.loss = -unclipped, .gradient = -unclipped};
}

// Computes the squared error of one value estimate, and its derivative by the value.
Term ValueError(double value, double old_value, double target, double clip) {
  const double error = value - target;
  const Term unclipped{.loss = error * error, .gradient = 2 * error};
  if (clip <= 0) return unclipped;
  const double held_error = std::clamp(value, old_value - clip, old_value + clip) - target;
  if (held_error * held_error <= unclipped.loss) return unclipped;
  return {.loss = held_error * held_error, .gradient = 0};
}

// The distributions that the logits of a block's rows stand for. Each thread reuses its own for the next block.
struct Distributions {
  std::vector<double> differences;   // each logit minus the row's largest
  std::vector<double> exponentials;  // of the differences
  std::vector<double> sums;          // of each row's exponentials
  std::vector<double> log_sums;
  std::vector<double> log_ratios;
  std::vector<double> ratios;  // of the chosen action's probability to the behaviour policy's

  void Describe(std::span<const float> logits, const PpoSamples& samples);
};

// Each kind of operation is done for all rows before the next kind, because exponentials are cheap only together.
void Distributions::Describe(std::span<const float> logits, const PpoSamples& samples) {
  const size_t count = samples.actions.size();
  const size_t actions = logits.size() / count;
  differences.resize(logits.size());
  for (size_t i = 0; i < count; ++i) {
    const float* const row = logits.data() + i * actions;
    float largest = row[0];
    for (size_t j = 1; j < actions; ++j) largest = std::max(largest, row[j]);
    for (size_t j = 0; j < actions; ++j) differences[i * actions + j] = static_cast<double>(row[j]) - largest;
  }
  exponentials = differences;
  Exponentials(exponentials);
  sums.assign(count, 0);
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < actions; ++j) sums[i] += exponentials[i * actions + j];
  }
  log_sums = sums;
  Logarithms(log_sums);
  ratios.resize(count);
  for (size_t i = 0; i < count; ++i) {
    ratios[i] = differences[i * actions + samples.actions[i]] - log_sums[i] - samples.log_probs[i];
  }
  log_ratios = ratios;
  Exponentials(ratios);
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
  thread_local Distributions distributions;
  distributions.Describe(output.logits, samples);
  PpoLoss mean;
  for (size_t i = 0; i < count; ++i) {
    const double ratio = distributions.ratios[i];
    const Term surrogate = ClippedSurrogate(ratio, samples.advantages[i], options.clip);
    const Term value = ValueError(output.values[i], samples.values[i], samples.returns[i], options.value_clip);

    const double* const differences = distributions.differences.data() + i * actions;
    const double* const exponentials = distributions.exponentials.data() + i * actions;
    const double log_sum = distributions.log_sums[i];
    const double share = 1 / distributions.sums[i];
    double entropy = log_sum;
    for (size_t j = 0; j < actions; ++j) entropy -= exponentials[j] * share * differences[j];
    for (size_t j = 0; j < actions; ++j) {
      const double probability = exponentials[j] * share;
      const double chosen = static_cast<size_t>(samples.actions[i]) == j ? 1 : 0;
      const double gradient = surrogate.gradient * (chosen - probability) +
                              options.entropy_coefficient * probability * (differences[j] - log_sum + entropy);
      gradients.logits[i * actions + j] = static_cast<float>(scale * gradient);
    }
    gradients.values[i] = static_cast<float>(scale * options.value_coefficient * value.gradient);

    mean.policy_loss += scale * surrogate.loss;
    mean.value_loss += scale * value.loss;
    mean.entropy += scale * entropy;
    mean.approximate_kl += scale * (ratio - 1 - distributions.log_ratios[i]);
    mean.clip_fraction += std::abs(ratio - 1) > options.clip ? scale : 0;
  }
  return mean;
}

}  // namespace understudy
