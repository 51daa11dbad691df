#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "learner/algorithms/ppo/ppo_batch.h"

namespace understudy::benchmarks {
namespace {

// Segments of 128 steps: a step an item.
void Advantages(benchmark::State& state) {
  constexpr size_t kSteps = 128;
  constexpr size_t kSegments = 64;
  const std::vector<float> rewards(kSteps, 1.0f);
  std::vector<float> values(kSteps + 1);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 0.1f * static_cast<float>(i % 17);
  std::vector<float> advantages(kSteps);
  for (auto _ : state) {
    for (size_t i = 0; i < kSegments; ++i) {
      EstimateAdvantages(rewards, values, /*terminated=*/i % 2 == 0, {.gamma = 0.98, .lambda = 0.8}, advantages);
      benchmark::DoNotOptimize(advantages.data());
      benchmark::ClobberMemory();
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kSegments * kSteps));
}
BENCHMARK(Advantages)->Name("advantages");

}  // namespace
}  // namespace understudy::benchmarks
