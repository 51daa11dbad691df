#include "common/policy/categorical.h"

#include <algorithm>
#include <cmath>

namespace understudy {
namespace {

double Largest(std::span<const float> logits) { return *std::max_element(logits.begin(), logits.end()); }

}  // namespace

int32_t SampleAction(std::span<const float> logits, double uniform) {
  const double largest = Largest(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  const double target = uniform * sum;
  double cumulative = 0;
  // The same additions in the same order as above: the last cumulative value is `sum`, which is above the target.
  for (size_t action = 0; action + 1 < logits.size(); ++action) {
    cumulative += std::exp(logits[action] - largest);
    if (cumulative > target) return static_cast<int32_t>(action);
  }
  return static_cast<int32_t>(logits.size()) - 1;
}

int32_t GreedyAction(std::span<const float> logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

double LogProbability(std::span<const float> logits, int32_t action) {
  return std::min(0.0, logits[action] - LogSumExp(logits));
}

double LogSumExp(std::span<const float> logits) {
  const double largest = Largest(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return largest + std::log(sum);
}

}  // namespace understudy
