// A batch of demonstrations on its way: a transition an item.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include "common/trajectory/trajectory_layout.h"
#include "tests/benchmarks/micro/recorded_episodes.h"

namespace understudy::benchmarks {
namespace {

void CountItems(benchmark::State& state) {
  state.SetItemsProcessed(state.iterations() * CountTransitions(RecordedEpisodes()));
}

void Serialise(benchmark::State& state) {
  std::string bytes;
  for (auto _ : state) {
    RecordedEpisodes().SerializeToString(&bytes);
    benchmark::DoNotOptimize(bytes.data());
  }
  CountItems(state);
}
BENCHMARK(Serialise)->Name("batch_serialise");

// Into a new message, as gRPC does.
void Parse(benchmark::State& state) {
  const std::string bytes = RecordedEpisodes().SerializeAsString();
  for (auto _ : state) {
    v1::TrajectoryBatch batch;
    if (!batch.ParseFromString(bytes)) state.SkipWithError("cannot be parsed");
    benchmark::DoNotOptimize(batch);
  }
  CountItems(state);
}
BENCHMARK(Parse)->Name("batch_parse");

void Validate(benchmark::State& state) {
  const BatchExpectation expected = RecordedExpectation();
  for (auto _ : state) {
    if (!ValidateBatch(RecordedEpisodes(), expected).ok()) state.SkipWithError("not valid");
  }
  CountItems(state);
}
BENCHMARK(Validate)->Name("batch_validate");

// The limit of the three above: one copy of the same bytes.
void Copy(benchmark::State& state) {
  const std::string bytes = RecordedEpisodes().SerializeAsString();
  std::string target(bytes.size(), '\0');
  for (auto _ : state) {
    std::memcpy(target.data(), bytes.data(), bytes.size());
    benchmark::DoNotOptimize(target.data());
    benchmark::ClobberMemory();
  }
  CountItems(state);
}
BENCHMARK(Copy)->Name("batch_copy");

}  // namespace
}  // namespace understudy::benchmarks
