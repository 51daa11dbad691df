// A store that tells how long its calls take.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_MEASURED_STORE_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_MEASURED_STORE_H_

#include <string>
#include <vector>

#include "common/metrics/latencies.h"
#include "coordinator/storage/store.h"

namespace understudy {

// Thread-safe. What the store does, and how long each call took, by the name of the call; and which of them the store
// could not serve.
class MeasuredStore final : public Store {
 public:
  // Both must outlive it.
  MeasuredStore(Store& store, Latencies& latencies) : store_(store), latencies_(latencies) {}

  absl::StatusOr<int64_t> NextIncarnation() override;
  absl::Status PutExperiment(const v1::Experiment& experiment, const std::string& token) override;
  absl::StatusOr<v1::Experiment> GetExperiment(const std::string& id) override;
  absl::StatusOr<std::vector<v1::Experiment>> ListExperiments() override;
  absl::StatusOr<std::string> FindExperimentByToken(const std::string& token) override;
  absl::Status PutMetrics(const std::string& experiment, int stage, const v1::StageProgress& metrics) override;
  absl::StatusOr<std::vector<v1::StageProgress>> ListMetrics(const std::string& experiment, int stage) override;
  absl::Status PutCheckpoint(const v1::CheckpointHeader& header, std::string_view content) override;
  absl::StatusOr<StoredCheckpoint> GetCheckpoint(const std::string& experiment, int stage) override;
  absl::Status AppendOutcomes(const std::string& experiment, int stage,
                              const std::vector<EpisodeOutcome>& outcomes) override;
  absl::StatusOr<std::vector<EpisodeOutcome>> ListOutcomes(const std::string& experiment, int stage) override;
  absl::StatusOr<int64_t> AddPolicy(const PolicySnapshot& snapshot, const v1::StageKey& origin) override;
  absl::StatusOr<v1::StoredPolicy> GetPolicy(const std::string& name, int64_t version) override;
  absl::StatusOr<std::shared_ptr<const PolicySnapshot>> LoadPolicy(const std::string& name, int64_t version) override;
  absl::StatusOr<std::vector<v1::StoredPolicy>> ListPolicies() override;
  absl::Status CreateDataset(const v1::Dataset& dataset) override;
  absl::StatusOr<v1::Dataset> GetDataset(const std::string& name) override;
  absl::StatusOr<std::vector<v1::Dataset>> ListDatasets() override;
  absl::Status AppendEpisodes(const std::string& dataset, const std::vector<TrajectoryView>& episodes) override;
  absl::StatusOr<v1::Dataset> CompleteDataset(const std::string& dataset, int64_t episodes) override;
  absl::Status ReadEpisodes(const std::string& dataset, int64_t first_episode, int64_t batch_bytes,
                            const std::function<absl::Status(v1::TrajectoryBatch)>& visit) override;
  absl::StatusOr<std::vector<EpisodeOutcome>> ListEpisodes(const std::string& dataset) override;
  absl::StatusOr<std::string> ComputeDatasetDigest(const std::string& dataset) override;
  absl::StatusOr<v1::VerifyDatasetResponse> VerifyDataset(const std::string& dataset) override;
  absl::Status DeleteDataset(const std::string& dataset) override;

 private:
  Store& store_;
  Latencies& latencies_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_MEASURED_STORE_H_
