#include <benchmark/benchmark.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "common/environment/registry.h"
#include "common/random/random_stream.h"

namespace understudy::benchmarks {
namespace {

// CartPole-v1, lane after lane, with the resets that random actions bring: a step an item.
void Step(benchmark::State& state) {
  const auto lanes = static_cast<size_t>(state.range(0));
  std::vector<std::unique_ptr<Environment>> environments;
  std::vector<float> observations(lanes * 4);
  const auto observation = [&](size_t lane) { return std::span(observations).subspan(lane * 4, 4); };
  uint64_t episode = 0;
  const auto reset = [&](size_t lane) {
    RandomStream random(/*seed=*/0, RandomPurpose::kCollectionReset, episode++, 0);
    environments[lane]->Reset(random, observation(lane));
  };
  for (size_t lane = 0; lane < lanes; ++lane) {
    environments.push_back(MakeEnvironment("CartPole-v1").value());
    reset(lane);
  }
  uint32_t random = 1;
  for (auto _ : state) {
    for (size_t lane = 0; lane < lanes; ++lane) {
      random = random * 1664525 + 1013904223;
      const int32_t action = static_cast<int32_t>(random >> 31);
      const StepOutcome outcome =
          environments[lane]->Step(std::as_bytes(std::span<const int32_t>(&action, 1)), observation(lane));
      if (outcome.terminated || outcome.truncated) reset(lane);
    }
    benchmark::DoNotOptimize(observations.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(lanes));
}
BENCHMARK(Step)->Name("environment_step")->Arg(64)->Arg(1024);

}  // namespace
}  // namespace understudy::benchmarks
