// Demonstrations into the SQLite store. By wall time, as a disk is waited for.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/storage/episode_codec.h"
#include "coordinator/storage/sqlite_store.h"
#include "tests/benchmarks/micro/recorded_episodes.h"
#include "tests/coordinator/storage/temporary_directory.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::benchmarks {
namespace {

v1::DatasetRecipe RecordedRecipe() {
  const BatchExpectation expected = RecordedExpectation();
  v1::DatasetRecipe recipe;
  *recipe.mutable_environment() = expected.environment;
  recipe.mutable_policy()->set_name(expected.policy);
  recipe.mutable_policy()->set_version(expected.policy_version);
  recipe.set_action_mode(expected.action_mode);
  recipe.set_transitions(1);
  return recipe;
}

// Durable appends of 32 episodes each: a transition an item.
void Append(benchmark::State& state) {
  const testing::TemporaryDirectory directory;
  const std::string path = directory.File("store");
  if (!SqliteStore::Create(path).ok()) return state.SkipWithError("the store cannot be made");
  const std::unique_ptr<SqliteStore> store = SqliteStore::Open(path, {}).value();
  const std::vector<TrajectoryView> views = ViewTrajectories(RecordedEpisodes(), testing::CartPoleSpec());
  int64_t datasets = 0;
  for (auto _ : state) {
    // An episode that is there already would be left as it is.
    state.PauseTiming();
    v1::Dataset dataset;
    dataset.set_name(absl::StrCat("dataset-", datasets++));
    *dataset.mutable_recipe() = RecordedRecipe();
    if (!store->CreateDataset(dataset).ok()) state.SkipWithError("a dataset cannot be made");
    state.ResumeTiming();
    if (!store->AppendEpisodes(dataset.name(), views).ok()) state.SkipWithError("episodes cannot be appended");
  }
  state.SetItemsProcessed(state.iterations() * CountTransitions(RecordedEpisodes()));
}
BENCHMARK(Append)->Name("store_append")->UseRealTime();

// What of that is digest and compression: a transition an item.
void Encode(benchmark::State& state) {
  const v1::DatasetRecipe recipe = RecordedRecipe();
  const std::vector<TrajectoryView> views = ViewTrajectories(RecordedEpisodes(), testing::CartPoleSpec());
  EpisodeEncoder encoder(recipe);
  int64_t bytes = 0;
  for (auto _ : state) {
    for (const TrajectoryView& view : views) bytes += static_cast<int64_t>(encoder.Encode(view).value().content.size());
  }
  const int64_t transitions = state.iterations() * CountTransitions(RecordedEpisodes());
  state.SetItemsProcessed(transitions);
  state.counters["bytes_per_transition"] = static_cast<double>(bytes) / static_cast<double>(transitions);
}
BENCHMARK(Encode)->Name("episode_encode")->UseRealTime();

// What of that is the disk: as many bytes as the 32 episodes have, compressed, written to a file and synced.
void WriteAndSync(benchmark::State& state) {
  const v1::DatasetRecipe recipe = RecordedRecipe();
  std::string bytes;
  EpisodeEncoder encoder(recipe);
  for (const TrajectoryView& view : ViewTrajectories(RecordedEpisodes(), testing::CartPoleSpec())) {
    bytes += encoder.Encode(view).value().content;
  }
  const testing::TemporaryDirectory directory;
  const int file = open(directory.File("bytes").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  for (auto _ : state) {
    if (write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) || fdatasync(file) != 0) {
      state.SkipWithError("cannot write");
    }
  }
  close(file);
  state.SetItemsProcessed(state.iterations() * CountTransitions(RecordedEpisodes()));
}
BENCHMARK(WriteAndSync)->Name("write_and_sync")->UseRealTime();

}  // namespace
}  // namespace understudy::benchmarks
