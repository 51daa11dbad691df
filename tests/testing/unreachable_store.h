// A store that can be made unreachable.
#ifndef UNDERSTUDY_TESTS_TESTING_UNREACHABLE_STORE_H_
#define UNDERSTUDY_TESTS_TESTING_UNREACHABLE_STORE_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/storage/store.h"

namespace understudy::testing {

// Passes every call on to another store, which must outlive it. While `away`, every call is UNAVAILABLE and changes
// nothing, except for ReleaseSpace.
class UnreachableStore final : public Store {
 public:
  explicit UnreachableStore(Store& store) : store_(store) {}

  std::atomic<bool> away = false;

  absl::StatusOr<int64_t> NextIncarnation() override { return Call(&Store::NextIncarnation); }
  absl::Status PutExperiment(const v1::Experiment& experiment, const std::string& token) override {
    return Call(&Store::PutExperiment, experiment, token);
  }
  absl::StatusOr<v1::Experiment> GetExperiment(const std::string& id) override {
    return Call(&Store::GetExperiment, id);
  }
  absl::StatusOr<Page<v1::Experiment>> ListExperiments(const ExperimentFilter& filter,
                                                       const PageRequest& page) override {
    return Call(&Store::ListExperiments, filter, page);
  }
  absl::Status DeleteExperiments(const std::vector<std::string>& ids) override {
    return Call(&Store::DeleteExperiments, ids);
  }
  absl::StatusOr<std::string> FindExperimentByToken(const std::string& token) override {
    return Call(&Store::FindExperimentByToken, token);
  }
  absl::Status PutMetrics(const std::string& experiment, int stage, const v1::StageProgress& metrics) override {
    return Call(&Store::PutMetrics, experiment, stage, metrics);
  }
  absl::StatusOr<Page<v1::StageProgress>> ListMetrics(const std::string& experiment, int stage,
                                                      const PageRequest& page) override {
    return Call(&Store::ListMetrics, experiment, stage, page);
  }
  absl::StatusOr<std::optional<v1::StageProgress>> LatestMetrics(const std::string& experiment, int stage) override {
    return Call(&Store::LatestMetrics, experiment, stage);
  }
  absl::Status PutCheckpoint(const v1::CheckpointHeader& header, std::string_view content) override {
    return Call(&Store::PutCheckpoint, header, content);
  }
  absl::StatusOr<StoredCheckpoint> GetCheckpoint(const std::string& experiment, int stage) override {
    return Call(&Store::GetCheckpoint, experiment, stage);
  }
  absl::Status AppendOutcomes(const std::string& experiment, int stage,
                              const std::vector<EpisodeOutcome>& outcomes) override {
    return Call(&Store::AppendOutcomes, experiment, stage, outcomes);
  }
  absl::StatusOr<std::vector<EpisodeOutcome>> ListOutcomes(const std::string& experiment, int stage) override {
    return Call(&Store::ListOutcomes, experiment, stage);
  }
  absl::StatusOr<int64_t> AddPolicy(const PolicySnapshot& snapshot, const v1::StageKey& origin) override {
    return Call(&Store::AddPolicy, snapshot, origin);
  }
  absl::StatusOr<v1::StoredPolicy> GetPolicy(const std::string& name, int64_t version) override {
    return Call(&Store::GetPolicy, name, version);
  }
  absl::StatusOr<std::shared_ptr<const PolicySnapshot>> LoadPolicy(const std::string& name, int64_t version) override {
    return Call(&Store::LoadPolicy, name, version);
  }
  absl::StatusOr<Page<v1::StoredPolicy>> ListPolicies(const PageRequest& page) override {
    return Call(&Store::ListPolicies, page);
  }
  absl::StatusOr<int64_t> DeletePolicy(const std::string& name, int64_t version) override {
    return Call(&Store::DeletePolicy, name, version);
  }
  absl::Status CreateDataset(const v1::Dataset& dataset) override { return Call(&Store::CreateDataset, dataset); }
  absl::StatusOr<v1::Dataset> GetDataset(const std::string& name) override { return Call(&Store::GetDataset, name); }
  absl::StatusOr<Page<v1::Dataset>> ListDatasets(const PageRequest& page) override {
    return Call(&Store::ListDatasets, page);
  }
  absl::Status AppendEpisodes(const std::string& dataset, const std::vector<TrajectoryView>& episodes) override {
    return Call(&Store::AppendEpisodes, dataset, episodes);
  }
  absl::StatusOr<v1::Dataset> CompleteDataset(const std::string& dataset, int64_t episodes) override {
    return Call(&Store::CompleteDataset, dataset, episodes);
  }
  absl::Status ReadEpisodes(const std::string& dataset, int64_t first_episode, int64_t batch_bytes,
                            const std::function<absl::Status(v1::TrajectoryBatch)>& visit) override {
    return Call(&Store::ReadEpisodes, dataset, first_episode, batch_bytes, visit);
  }
  absl::StatusOr<std::vector<EpisodeOutcome>> ListEpisodes(const std::string& dataset) override {
    return Call(&Store::ListEpisodes, dataset);
  }
  absl::StatusOr<std::string> ComputeDatasetDigest(const std::string& dataset) override {
    return Call(&Store::ComputeDatasetDigest, dataset);
  }
  absl::StatusOr<v1::VerifyDatasetResponse> VerifyDataset(const std::string& dataset) override {
    return Call(&Store::VerifyDataset, dataset);
  }
  absl::StatusOr<v1::Dataset> FinishDataset(const std::string& dataset) override {
    return Call(&Store::FinishDataset, dataset);
  }
  absl::Status DeleteDataset(const std::string& dataset) override { return Call(&Store::DeleteDataset, dataset); }
  void ReleaseSpace() override { store_.ReleaseSpace(); }

 private:
  template <typename Result, typename... Parameters, typename... Arguments>
  Result Call(Result (Store::*method)(Parameters...), const Arguments&... arguments) {
    if (away) return absl::UnavailableError("the store is away");
    return (store_.*method)(arguments...);
  }

  Store& store_;
};

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_UNREACHABLE_STORE_H_
