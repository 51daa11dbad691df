#include "common/policy/categorical.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace understudy {
namespace {

double Largest(std::span<const float> logits) { return *std::max_element(logits.begin(), logits.end()); }

// exp(logit - largest); exp(0) is 1 exactly, and with two actions half of all.
double Exponential(float logit, double largest) { return logit == largest ? 1.0 : std::exp(logit - largest); }

double LogProbability(float logit, double log_sum) { return std::min(0.0, logit - log_sum); }

// Each thread keeps its own from call to call.
std::span<double> Scratch(size_t size) {
  thread_local std::vector<double> scratch;
  if (scratch.size() < size) scratch.resize(size);
  return std::span(scratch).first(size);
}

}  // namespace

SampledAction SampleAction(std::span<const float> logits, double uniform) {
  const double largest = Largest(logits);
  const std::span<double> exponentials = Scratch(logits.size());
  double sum = 0;
  for (size_t i = 0; i < logits.size(); ++i) sum += exponentials[i] = Exponential(logits[i], largest);
  const double target = uniform * sum;
  double cumulative = 0;
  size_t action = 0;
  // The same additions in the same order as above: the last cumulative value is `sum`, which is above the target.
  for (; action + 1 < logits.size(); ++action) {
    cumulative += exponentials[action];
    if (cumulative > target) break;
  }
  return {.action = static_cast<int32_t>(action),
          .log_probability = LogProbability(logits[action], largest + std::log(sum))};
}

int32_t GreedyAction(std::span<const float> logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

double LogProbability(std::span<const float> logits, int32_t action) {
  return LogProbability(logits[action], LogSumExp(logits));
}

double LogSumExp(std::span<const float> logits) {
  const double largest = Largest(logits);
  double sum = 0;
  for (const float logit : logits) sum += Exponential(logit, largest);
  return largest + std::log(sum);
}

}  // namespace understudy
