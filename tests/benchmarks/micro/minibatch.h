// Minibatches to update with, made up: the time of an update does not depend on what is in them.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_MICRO_MINIBATCH_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_MICRO_MINIBATCH_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/random/random_stream.h"

namespace understudy::benchmarks {

// M rows as CartPole has them.
struct Minibatch {
  static constexpr size_t kObservationSize = 4;

  explicit Minibatch(size_t rows) {
    RandomStream random(/*seed=*/1, RandomPurpose::kCollectionReset, 0, 0);
    const auto normal = [&] { return static_cast<float>(random.Normal()); };
    for (size_t i = 0; i < rows * kObservationSize; ++i) observations.push_back(normal());
    for (size_t i = 0; i < rows; ++i) {
      actions.push_back(static_cast<int32_t>(random.Below(2)));
      log_probs.push_back(-0.7f);
      values.push_back(normal());
      advantages.push_back(normal());
      returns.push_back(normal());
    }
  }

  std::vector<float> observations;  // [M × 4]
  std::vector<int32_t> actions;
  std::vector<float> log_probs;
  std::vector<float> values;
  std::vector<float> advantages;
  std::vector<float> returns;
};

}  // namespace understudy::benchmarks

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_MICRO_MINIBATCH_H_
