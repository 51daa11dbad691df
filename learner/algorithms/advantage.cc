#include "learner/algorithms/advantage.h"

namespace understudy {

void EstimateAdvantages(std::span<const float> rewards, std::span<const float> values, bool terminated,
                        const AdvantageOptions& options, std::span<float> advantages) {
  double next_value = terminated ? 0.0 : values[rewards.size()];
  double advantage = 0;
  for (size_t t = rewards.size(); t-- > 0;) {
    const double difference = rewards[t] + options.gamma * next_value - values[t];
    advantage = difference + options.gamma * options.lambda * advantage;
    advantages[t] = static_cast<float>(advantage);
    next_value = values[t];
  }
}

}  // namespace understudy
