// What tests of storage put into stores, and how they look at what is there.
#ifndef UNDERSTUDY_TESTS_COORDINATOR_STORAGE_STORED_CONTENT_H_
#define UNDERSTUDY_TESTS_COORDINATOR_STORAGE_STORED_CONTENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/storage/store.h"
#include "tests/testing/trajectory_batches.h"
#include "understudy/v1/datasets.pb.h"

namespace understudy::testing {

// For demonstrations as EpisodeBatch makes them with these options.
v1::DatasetRecipe Recipe(const BatchOptions& options = {});

// As CreateDataset takes it.
v1::Dataset NewDataset(const std::string& name, const BatchOptions& options = {});

// Appends EpisodeBatch(episodes, steps_each, options).
absl::Status Append(Store& store, const std::string& dataset, const std::vector<int64_t>& episodes, int64_t steps_each,
                    const BatchOptions& options = {});

// A dataset with episodes 0 … n-1, complete.
absl::Status MakeCompleteDataset(Store& store, const std::string& name, int64_t episodes, int64_t steps_each);

// Finished experiments of 2 MiB each.
inline const std::vector<std::string> kFillingExperiments = {"f1", "f2", "f3", "f4", "f5", "f6"};
void FillWithExperiments(Store& store);

// Of a checkpoint with this content.
v1::CheckpointHeader CheckpointHeader(const std::string& experiment, int stage, int64_t epoch, int64_t iteration,
                                      const std::string& content);

// All that ReadEpisodes visits.
absl::StatusOr<std::vector<v1::TrajectoryBatch>> ReadAll(Store& store, const std::string& dataset,
                                                         int64_t first_episode = 0,
                                                         int64_t batch_bytes = int64_t{1} << 20);

// The episode numbers in the batches, in order.
std::vector<int64_t> EpisodeNumbers(const std::vector<v1::TrajectoryBatch>& batches);

// The digest that a dataset of EpisodeBatch(episodes, steps_each, options) must have.
std::string ExpectedDigest(const std::vector<int64_t>& episodes, int64_t steps_each, const BatchOptions& options = {});

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_COORDINATOR_STORAGE_STORED_CONTENT_H_
