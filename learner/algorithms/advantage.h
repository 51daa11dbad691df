// Generalised advantage estimation (Schulman et al. 2015, "High-dimensional continuous control using generalized
// advantage estimation", equations 11 to 16).
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_ADVANTAGE_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_ADVANTAGE_H_

#include <span>

namespace understudy {

struct AdvantageOptions {
  double gamma = 0.99;   // discount
  double lambda = 0.95;  // 0: one-step differences, 1: returns less values
};

// Advantages of one trajectory (a contiguous piece of one episode) of T steps, into `advantages` [T].
// `rewards`: [T]. `values`: [T + 1], the estimates of every observation, the final one included: it is bootstrapped
// from unless the MDP `terminated` there, so after a truncation and where a piece was cut, but not after an episode
// that met both its end and its limit. Thread-safe.
void EstimateAdvantages(std::span<const float> rewards, std::span<const float> values, bool terminated,
                        const AdvantageOptions& options, std::span<float> advantages);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_ADVANTAGE_H_
