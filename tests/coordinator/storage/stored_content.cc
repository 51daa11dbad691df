#include "tests/coordinator/storage/stored_content.h"

#include <gtest/gtest.h>

#include <numeric>
#include <utility>

#include "common/trajectory/dataset_content.h"

namespace understudy::testing {

v1::DatasetRecipe Recipe(const BatchOptions& options) {
  v1::DatasetRecipe recipe;
  *recipe.mutable_environment() = CartPoleSpec();
  recipe.mutable_policy()->set_name(options.policy);
  recipe.mutable_policy()->set_version(options.version);
  recipe.set_action_mode(options.action_mode);
  recipe.set_seed(7);
  if (options.record) {
    recipe.add_record(v1::RECORD_LOGITS);
    recipe.add_record(v1::RECORD_VALUE);
  }
  recipe.set_transitions(1000);
  return recipe;
}

v1::Dataset NewDataset(const std::string& name, const BatchOptions& options) {
  v1::Dataset dataset;
  dataset.set_name(name);
  *dataset.mutable_recipe() = Recipe(options);
  dataset.set_experiment_id("experiment-1");
  dataset.set_created_unix_ms(1234567890123);
  return dataset;
}

absl::Status Append(Store& store, const std::string& dataset, const std::vector<int64_t>& episodes, int64_t steps_each,
                    const BatchOptions& options) {
  const v1::TrajectoryBatch batch = EpisodeBatch(episodes, steps_each, options);
  return store.AppendEpisodes(dataset, ViewTrajectories(batch, CartPoleSpec()));
}

absl::Status MakeCompleteDataset(Store& store, const std::string& name, int64_t episodes, int64_t steps_each) {
  if (absl::Status status = store.CreateDataset(NewDataset(name)); !status.ok()) return status;
  std::vector<int64_t> numbers(static_cast<size_t>(episodes));
  std::iota(numbers.begin(), numbers.end(), 0);
  if (absl::Status status = Append(store, name, numbers, steps_each); !status.ok()) return status;
  return store.CompleteDataset(name, episodes).status();
}

void FillWithExperiments(Store& store) {
  for (const std::string& id : kFillingExperiments) {
    v1::Experiment experiment;
    experiment.set_id(id);
    experiment.set_status(v1::STATUS_FAILED);
    experiment.set_error(std::string(2 << 20, 'x'));
    EXPECT_TRUE(store.PutExperiment(experiment, "").ok());
  }
}

v1::CheckpointHeader CheckpointHeader(const std::string& experiment, int stage, int64_t epoch, int64_t iteration,
                                      const std::string& content) {
  v1::CheckpointHeader header;
  header.mutable_stage()->set_experiment_id(experiment);
  header.mutable_stage()->set_stage(stage);
  header.mutable_stage()->set_epoch(epoch);
  header.set_iteration(iteration);
  header.set_size(static_cast<int64_t>(content.size()));
  header.set_checksum(Checksum(content));
  return header;
}

absl::StatusOr<std::vector<v1::TrajectoryBatch>> ReadAll(Store& store, const std::string& dataset,
                                                         int64_t first_episode, int64_t batch_bytes) {
  std::vector<v1::TrajectoryBatch> batches;
  const absl::Status status = store.ReadEpisodes(dataset, first_episode, batch_bytes, [&](v1::TrajectoryBatch batch) {
    batches.push_back(std::move(batch));
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return batches;
}

std::vector<int64_t> EpisodeNumbers(const std::vector<v1::TrajectoryBatch>& batches) {
  std::vector<int64_t> numbers;
  for (const v1::TrajectoryBatch& batch : batches) {
    for (const v1::Trajectory& trajectory : batch.trajectories()) numbers.push_back(trajectory.episode());
  }
  return numbers;
}

std::string ExpectedDigest(const std::vector<int64_t>& episodes, int64_t steps_each, const BatchOptions& options) {
  DatasetDigest digest(Recipe(options));
  const v1::TrajectoryBatch batch = EpisodeBatch(episodes, steps_each, options);
  for (const TrajectoryView& view : ViewTrajectories(batch, CartPoleSpec())) digest.Add(EpisodeDigest(view));
  return digest.Finish();
}

}  // namespace understudy::testing
