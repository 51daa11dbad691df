#include "learner/algorithms/bc/bc_loss.h"

#include <algorithm>
#include <cmath>

#include "common/policy/categorical.h"

namespace understudy {
namespace {

int64_t CountRight(std::span<const float> logits, std::span<const int32_t> actions) {
  const size_t n = logits.size() / actions.size();
  int64_t right = 0;
  for (size_t i = 0; i < actions.size(); ++i) right += GreedyAction(logits.subspan(i * n, n)) == actions[i];
  return right;
}

}  // namespace

BcLoss CrossEntropy(const NetworkOutput& output, const BcSamples& samples, size_t minibatch_size,
                    const NetworkGradients& gradients) {
  const size_t count = samples.actions.size();
  const size_t n = output.logits.size() / count;
  const double scale = 1.0 / static_cast<double>(minibatch_size);
  BcLoss mean{.loss = 0, .accuracy = scale * static_cast<double>(CountRight(output.logits, samples.actions))};
  for (size_t i = 0; i < count; ++i) {
    const std::span<const float> row = output.logits.subspan(i * n, n);
    const double log_sum = LogSumExp(row);
    mean.loss += scale * (log_sum - row[samples.actions[i]]);
    if (gradients.logits.empty()) continue;
    for (size_t j = 0; j < n; ++j) {
      const double demonstrated = static_cast<size_t>(samples.actions[i]) == j ? 1 : 0;
      gradients.logits[i * n + j] = static_cast<float>(scale * (std::exp(row[j] - log_sum) - demonstrated));
    }
  }
  std::fill(gradients.values.begin(), gradients.values.end(), 0.0f);
  return mean;
}

BcLoss Distillation(const NetworkOutput& output, const BcSamples& samples, size_t minibatch_size,
                    double value_coefficient, const NetworkGradients& gradients) {
  const double scale = 1.0 / static_cast<double>(minibatch_size);
  BcLoss mean{.loss = 0, .accuracy = scale * static_cast<double>(CountRight(output.logits, samples.actions))};
  const size_t n = samples.logits.size() / samples.actions.size();
  const double logit_scale = scale / static_cast<double>(n);
  for (size_t i = 0; i < samples.logits.size(); ++i) {
    const double error = static_cast<double>(output.logits[i]) - samples.logits[i];
    const double size = std::abs(error);
    mean.loss += logit_scale * (size < 1 ? 0.5 * error * error : size - 0.5);
    if (!gradients.logits.empty()) gradients.logits[i] = static_cast<float>(logit_scale * std::clamp(error, -1.0, 1.0));
  }
  const double value_scale = scale * value_coefficient;
  for (size_t i = 0; i < samples.values.size(); ++i) {
    const double error = static_cast<double>(output.values[i]) - samples.values[i];
    mean.loss += value_scale * error * error;
    if (!gradients.values.empty()) gradients.values[i] = static_cast<float>(value_scale * 2 * error);
  }
  return mean;
}

}  // namespace understudy
