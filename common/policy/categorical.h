// The categorical distribution over discrete actions that a row of logits means. Scalar double arithmetic in index
// order: the same row gives the same result wherever and with whatever neighbours it is computed.
#ifndef UNDERSTUDY_COMMON_POLICY_CATEGORICAL_H_
#define UNDERSTUDY_COMMON_POLICY_CATEGORICAL_H_

#include <cstdint>
#include <span>

namespace understudy {

// All of these: at least one logit, all finite, of any size. Thread-safe.

struct SampledAction {
  int32_t action = 0;
  double log_probability = 0;  // LogProbability's, bit for bit
};

// The action whose share of the cumulative probabilities `uniform` (in [0, 1)) falls into. Computes each exponential
// once; allocates nothing from the second call of a thread on, for rows that are not longer.
SampledAction SampleAction(std::span<const float> logits, double uniform);

// The most probable action; ties go to the lowest index.
int32_t GreedyAction(std::span<const float> logits);

// Natural logarithm of the action's probability, ≤ 0.
double LogProbability(std::span<const float> logits, int32_t action);

// log Σ exp(logits): subtracting it from a logit gives its log-probability.
double LogSumExp(std::span<const float> logits);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_POLICY_CATEGORICAL_H_
