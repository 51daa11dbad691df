// The categorical distribution over discrete actions that a row of logits stands for. It is computed in scalar double
// arithmetic, in the order of the indices. So the same row always gives the same result.
#ifndef UNDERSTUDY_COMMON_POLICY_CATEGORICAL_H_
#define UNDERSTUDY_COMMON_POLICY_CATEGORICAL_H_

#include <cstdint>
#include <span>

namespace understudy {

// Every function takes at least one logit, and all logits must be finite. They are thread-safe.

struct SampledAction {
  int32_t action = 0;
  double log_probability = 0;  // the bits that LogProbability returns
};

// Returns the action whose interval of the cumulative probabilities contains `uniform`, a number in [0, 1). Computes
// each exponential once. A thread's second and later calls allocate nothing, unless a row is longer than those before.
SampledAction SampleAction(std::span<const float> logits, double uniform);

// Returns the most probable action. Of equal ones it returns the lowest index.
int32_t GreedyAction(std::span<const float> logits);

// Returns the natural logarithm of the action's probability. It is never positive.
double LogProbability(std::span<const float> logits, int32_t action);

// Returns log Σ exp(logits). A logit minus this is the action's log-probability.
double LogSumExp(std::span<const float> logits);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_CATEGORICAL_H_
