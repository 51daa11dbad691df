#include "coordinator/storage/measured_store.h"

#include <chrono>
#include <utility>

namespace understudy {
namespace {

// What the caller asked for, or what there is, is no failure of the store.
bool IsFailure(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) || absl::IsDataLoss(status) ||
         absl::IsInternal(status) || absl::IsUnknown(status);
}

const absl::Status& StatusOf(const absl::Status& status) { return status; }

template <typename T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

template <typename Call>
auto Measure(Latencies& latencies, const char* operation, const Call& call) {
  const auto begin = std::chrono::steady_clock::now();
  auto result = call();
  latencies.Observe(operation, absl::FromChrono(std::chrono::steady_clock::now() - begin));
  const absl::Status& status = StatusOf(result);
  if (IsFailure(status)) latencies.Count(operation, status.code());
  return result;
}

}  // namespace

absl::StatusOr<int64_t> MeasuredStore::NextIncarnation() {
  return Measure(latencies_, "NextIncarnation", [&] { return store_.NextIncarnation(); });
}

absl::Status MeasuredStore::PutExperiment(const v1::Experiment& experiment, const std::string& token) {
  return Measure(latencies_, "PutExperiment", [&] { return store_.PutExperiment(experiment, token); });
}

absl::StatusOr<v1::Experiment> MeasuredStore::GetExperiment(const std::string& id) {
  return Measure(latencies_, "GetExperiment", [&] { return store_.GetExperiment(id); });
}

absl::StatusOr<std::vector<v1::Experiment>> MeasuredStore::ListExperiments() {
  return Measure(latencies_, "ListExperiments", [&] { return store_.ListExperiments(); });
}

absl::StatusOr<std::string> MeasuredStore::FindExperimentByToken(const std::string& token) {
  return Measure(latencies_, "FindExperimentByToken", [&] { return store_.FindExperimentByToken(token); });
}

absl::Status MeasuredStore::PutMetrics(const std::string& experiment, int stage, const v1::StageProgress& metrics) {
  return Measure(latencies_, "PutMetrics", [&] { return store_.PutMetrics(experiment, stage, metrics); });
}

absl::StatusOr<std::vector<v1::StageProgress>> MeasuredStore::ListMetrics(const std::string& experiment, int stage) {
  return Measure(latencies_, "ListMetrics", [&] { return store_.ListMetrics(experiment, stage); });
}

absl::Status MeasuredStore::PutCheckpoint(const v1::CheckpointHeader& header, std::string_view content) {
  return Measure(latencies_, "PutCheckpoint", [&] { return store_.PutCheckpoint(header, content); });
}

absl::StatusOr<StoredCheckpoint> MeasuredStore::GetCheckpoint(const std::string& experiment, int stage) {
  return Measure(latencies_, "GetCheckpoint", [&] { return store_.GetCheckpoint(experiment, stage); });
}

absl::Status MeasuredStore::AppendOutcomes(const std::string& experiment, int stage,
                                           const std::vector<EpisodeOutcome>& outcomes) {
  return Measure(latencies_, "AppendOutcomes", [&] { return store_.AppendOutcomes(experiment, stage, outcomes); });
}

absl::StatusOr<std::vector<EpisodeOutcome>> MeasuredStore::ListOutcomes(const std::string& experiment, int stage) {
  return Measure(latencies_, "ListOutcomes", [&] { return store_.ListOutcomes(experiment, stage); });
}

absl::StatusOr<int64_t> MeasuredStore::AddPolicy(const PolicySnapshot& snapshot, const v1::StageKey& origin) {
  return Measure(latencies_, "AddPolicy", [&] { return store_.AddPolicy(snapshot, origin); });
}

absl::StatusOr<v1::StoredPolicy> MeasuredStore::GetPolicy(const std::string& name, int64_t version) {
  return Measure(latencies_, "GetPolicy", [&] { return store_.GetPolicy(name, version); });
}

absl::StatusOr<std::shared_ptr<const PolicySnapshot>> MeasuredStore::LoadPolicy(const std::string& name,
                                                                                int64_t version) {
  return Measure(latencies_, "LoadPolicy", [&] { return store_.LoadPolicy(name, version); });
}

absl::StatusOr<std::vector<v1::StoredPolicy>> MeasuredStore::ListPolicies() {
  return Measure(latencies_, "ListPolicies", [&] { return store_.ListPolicies(); });
}

absl::Status MeasuredStore::CreateDataset(const v1::Dataset& dataset) {
  return Measure(latencies_, "CreateDataset", [&] { return store_.CreateDataset(dataset); });
}

absl::StatusOr<v1::Dataset> MeasuredStore::GetDataset(const std::string& name) {
  return Measure(latencies_, "GetDataset", [&] { return store_.GetDataset(name); });
}

absl::StatusOr<std::vector<v1::Dataset>> MeasuredStore::ListDatasets() {
  return Measure(latencies_, "ListDatasets", [&] { return store_.ListDatasets(); });
}

absl::Status MeasuredStore::AppendEpisodes(const std::string& dataset, const std::vector<TrajectoryView>& episodes) {
  return Measure(latencies_, "AppendEpisodes", [&] { return store_.AppendEpisodes(dataset, episodes); });
}

absl::StatusOr<v1::Dataset> MeasuredStore::CompleteDataset(const std::string& dataset, int64_t episodes) {
  return Measure(latencies_, "CompleteDataset", [&] { return store_.CompleteDataset(dataset, episodes); });
}

absl::Status MeasuredStore::ReadEpisodes(const std::string& dataset, int64_t first_episode, int64_t batch_bytes,
                                         const std::function<absl::Status(v1::TrajectoryBatch)>& visit) {
  return Measure(latencies_, "ReadEpisodes",
                 [&] { return store_.ReadEpisodes(dataset, first_episode, batch_bytes, visit); });
}

absl::StatusOr<std::vector<EpisodeOutcome>> MeasuredStore::ListEpisodes(const std::string& dataset) {
  return Measure(latencies_, "ListEpisodes", [&] { return store_.ListEpisodes(dataset); });
}

absl::StatusOr<std::string> MeasuredStore::ComputeDatasetDigest(const std::string& dataset) {
  return Measure(latencies_, "ComputeDatasetDigest", [&] { return store_.ComputeDatasetDigest(dataset); });
}

absl::StatusOr<v1::VerifyDatasetResponse> MeasuredStore::VerifyDataset(const std::string& dataset) {
  return Measure(latencies_, "VerifyDataset", [&] { return store_.VerifyDataset(dataset); });
}

absl::Status MeasuredStore::DeleteDataset(const std::string& dataset) {
  return Measure(latencies_, "DeleteDataset", [&] { return store_.DeleteDataset(dataset); });
}

}  // namespace understudy
