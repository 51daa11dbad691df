// append_episodes_driver: how fast the coordinator's side of demonstrations is. Producers take results as they come off
// the wire, parse them, validate them, and append them to a store; an append has returned when it is durable. Prints a
// line of JSON.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/environment/registry.h"
#include "common/process/arguments.h"
#include "common/trajectory/dataset_content.h"
#include "coordinator/storage/data_directory.h"
#include "coordinator/storage/episode_codec.h"
#include "tests/testing/trajectory_batches.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {
namespace {

struct Options {
  std::string directory;
  int producers = 1;
  int datasets = 1;
  int64_t episodes = 74;  // of a result: with 500 steps each, about a MiB, as actors send them
  double seconds = 5;
};

template <typename T>
void Append(T number, std::string& column) {
  column.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

// CartPole balanced by hand, to the end of most episodes: content that compresses as real demonstrations do.
v1::TrajectoryBatch MakeEpisodes(int64_t count) {
  const v1::EnvironmentSpec spec = testing::CartPoleSpec();
  const auto environment = MakeEnvironment(spec.name()).value();
  v1::TrajectoryBatch batch = testing::EpisodeBatch({0}, 1);
  for (auto* column :
       {batch.mutable_observations(), batch.mutable_actions(), batch.mutable_rewards(), batch.mutable_log_probs()}) {
    column->clear();
  }
  batch.clear_trajectories();
  for (int64_t episode = 0; episode < count; ++episode) {
    RandomStream reset(0, RandomPurpose::kCollectionReset, episode, 0);
    RandomStream noise(0, RandomPurpose::kCollectionAction, episode, 0);
    std::array<float, 4> observation{};
    environment->Reset(reset, observation);
    v1::Trajectory& trajectory = *batch.add_trajectories();
    trajectory.set_episode(episode);
    for (StepOutcome outcome; !outcome.terminated && !outcome.truncated;) {
      for (const float number : observation) Append(number, *batch.mutable_observations());
      const int32_t action = observation[2] + observation[3] + 0.1 * noise.Normal() > 0 ? 1 : 0;
      outcome = environment->Step(std::as_bytes(std::span(&action, 1)), observation);
      Append(action, *batch.mutable_actions());
      Append(outcome.reward, *batch.mutable_rewards());
      Append(static_cast<float>(-0.01 - 0.5 * noise.Uniform()), *batch.mutable_log_probs());
      trajectory.set_steps(trajectory.steps() + 1);
      trajectory.set_terminated(outcome.terminated);
      trajectory.set_truncated(outcome.truncated);
    }
    for (const float number : observation) Append(number, *batch.mutable_observations());
  }
  return batch;
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + time.tv_usec * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

absl::Status Produce(const Options& options, const v1::DatasetRecipe& recipe, const std::string& dataset,
                     const std::string& message, absl::Time until, std::atomic<int64_t>& next, Store& store,
                     std::atomic<int64_t>& transitions) {
  const BatchExpectation expectation = ExpectationOf(recipe);
  while (absl::Now() < until) {
    v1::ActorMessage received;
    if (!received.ParseFromString(message)) return absl::InternalError("cannot parse");
    v1::TrajectoryBatch& batch = *received.mutable_result()->mutable_batch();
    int64_t number = next.fetch_add(options.episodes);
    for (v1::Trajectory& trajectory : *batch.mutable_trajectories()) trajectory.set_episode(number++);
    absl::Status status = ValidateBatch(batch, expectation);
    if (status.ok()) status = store.AppendEpisodes(dataset, ViewTrajectories(batch, recipe.environment()));
    if (!status.ok()) return status;
    for (const v1::Trajectory& trajectory : batch.trajectories()) transitions += trajectory.steps();
  }
  return absl::OkStatus();
}

absl::StatusOr<nlohmann::json> Measure(const Options& options) {
  auto data = DataDirectory::Open(options.directory, DataDirectory::Mode::kCreate);
  if (!data.ok()) return data.status();
  Store& store = (*data)->store();
  v1::DatasetRecipe recipe;
  *recipe.mutable_environment() = testing::CartPoleSpec();
  recipe.mutable_policy()->set_name("expert");
  recipe.mutable_policy()->set_version(1);
  recipe.set_action_mode(v1::ACTION_MODE_SAMPLE);
  v1::ActorMessage message;
  message.mutable_result()->set_last(true);
  *message.mutable_result()->mutable_batch() = MakeEpisodes(options.episodes);
  const std::string serialised = message.SerializeAsString();
  for (int i = 0; i < options.datasets; ++i) {
    v1::Dataset dataset;
    dataset.set_name(absl::StrCat("dataset-", i));
    *dataset.mutable_recipe() = recipe;
    if (absl::Status status = store.CreateDataset(dataset); !status.ok()) return status;
  }

  std::vector<std::thread> threads;
  std::vector<absl::Status> statuses(options.producers);
  std::atomic<int64_t> next = 0;
  std::atomic<int64_t> transitions = 0;
  const double cpu = CpuSeconds();
  const absl::Time began = absl::Now();
  for (int i = 0; i < options.producers; ++i) {
    threads.emplace_back([&, i] {
      statuses[i] = Produce(options, recipe, absl::StrCat("dataset-", i % options.datasets), serialised,
                            began + absl::Seconds(options.seconds), next, store, transitions);
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = absl::ToDoubleSeconds(absl::Now() - began);
  const double cpu_seconds = CpuSeconds() - cpu;
  for (const absl::Status& status : statuses) {
    if (!status.ok()) return status;
  }
  int64_t stored = 0;
  for (int i = 0; i < options.datasets; ++i) {
    stored += store.GetDataset(absl::StrCat("dataset-", i)).value().stored_bytes();
  }
  const auto count = static_cast<double>(transitions.load());
  return nlohmann::json{
      {"producers", options.producers},
      {"appends_per_second", next / options.episodes / seconds},
      {"transitions_per_second", count / seconds},
      {"transitions_per_cpu_second", count / cpu_seconds},
      {"cores", cpu_seconds / seconds},
      {"stored_bytes_of_a_transition", static_cast<double>(stored) / count},
      {"wire_bytes_of_a_transition", static_cast<double>(serialised.size() * (next / options.episodes)) / count}};
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Durable appends of episodes.", "append_episodes_driver");
  app.add_option("--directory", options.directory, "Of the store; made, and left there")->required();
  app.add_option("--producers", options.producers)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--datasets", options.datasets)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--episodes", options.episodes, "Of an append")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--seconds", options.seconds)->check(CLI::PositiveNumber)->capture_default_str();
  if (const auto exit_status = ParseArguments(app, argc, argv)) return *exit_status;
  const absl::StatusOr<nlohmann::json> measured = Measure(options);
  if (!measured.ok()) {
    std::cerr << "append_episodes_driver: " << measured.status().message() << std::endl;
    return 1;
  }
  std::cout << measured->dump() << std::endl;
  return 0;
}

}  // namespace
}  // namespace understudy

int main(int argc, char** argv) { return understudy::Main(argc, argv); }
