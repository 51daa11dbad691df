// Everything that the coordinator must not forget.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_STORE_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/snapshot/policy_snapshot.h"
#include "common/trajectory/trajectory_layout.h"
#include "understudy/v1/checkpoints.pb.h"
#include "understudy/v1/datasets.pb.h"
#include "understudy/v1/experiments.pb.h"
#include "understudy/v1/policy.pb.h"

namespace understudy {

// A training stage's latest checkpoint.
struct StoredCheckpoint {
  v1::CheckpointHeader header;
  std::string content;  // a serialised Checkpoint
};

// Thread-safe. A call that returns OK has made its change durable (on disk, synced): atomic, all or nothing. Every call
// may block on the disk. Errors name the object: NOT_FOUND, ALREADY_EXISTS, DATA_LOSS (stored bytes are damaged),
// RESOURCE_EXHAUSTED (disk full), UNAVAILABLE (the storage cannot be reached, or failed in another way: the same call
// may succeed later). Implementations: SqliteStore, PostgresStore. All pass
// tests/coordinator/storage/store_conformance.
class Store {
 public:
  virtual ~Store() = default;

  // A number larger than any that this call has returned before on this store: what epochs begin with.
  virtual absl::StatusOr<int64_t> NextIncarnation() = 0;

  // Experiments. `Put` inserts or replaces by id; an empty token leaves the one that it was put with. With the same
  // change it drops checkpoints and outcomes of the experiment's stages that have SUCCEEDED: they are never resumed.
  // ALREADY_EXISTS: the token is another experiment's.
  virtual absl::Status PutExperiment(const v1::Experiment& experiment, const std::string& token) = 0;
  virtual absl::StatusOr<v1::Experiment> GetExperiment(const std::string& id) = 0;
  // Newest first. A damaged one is left out, and named in the log.
  virtual absl::StatusOr<std::vector<v1::Experiment>> ListExperiments() = 0;
  // The id of the experiment that was put with this (non-empty) token; empty: none.
  virtual absl::StatusOr<std::string> FindExperimentByToken(const std::string& token) = 0;

  // Metrics of training stages: replaced by (experiment, stage, iteration); listed by iteration.
  virtual absl::Status PutMetrics(const std::string& experiment, int stage, const v1::StageProgress& metrics) = 0;
  virtual absl::StatusOr<std::vector<v1::StageProgress>> ListMetrics(const std::string& experiment, int stage) = 0;

  // Replaces the stage's checkpoint as a whole where `header` is later, by epoch, then iteration, even where the
  // earlier one is damaged; otherwise changes nothing. INVALID_ARGUMENT: content does not have the header's size and
  // checksum, or is larger than kMaxCheckpointBytes.
  virtual absl::Status PutCheckpoint(const v1::CheckpointHeader& header, std::string_view content) = 0;
  // NOT_FOUND: there is none. DATA_LOSS: not what was stored (checked against size and checksum).
  virtual absl::StatusOr<StoredCheckpoint> GetCheckpoint(const std::string& experiment, int stage) = 0;

  // Outcomes of an evaluate stage's episodes. A number that is there already is left as it is.
  virtual absl::Status AppendOutcomes(const std::string& experiment, int stage,
                                      const std::vector<EpisodeOutcome>& outcomes) = 0;
  // By number.
  virtual absl::StatusOr<std::vector<EpisodeOutcome>> ListOutcomes(const std::string& experiment, int stage) = 0;

  // Stores the snapshot as the next version of its name, whatever version its header says, and returns the number.
  // Where the latest version of the name has the same digest, stores nothing and returns that one's.
  virtual absl::StatusOr<int64_t> AddPolicy(const PolicySnapshot& snapshot, const v1::StageKey& origin) = 0;
  // Version 0: the latest. NOT_FOUND names the policy and the versions that there are.
  virtual absl::StatusOr<v1::StoredPolicy> GetPolicy(const std::string& name, int64_t version) = 0;
  // Checked against its digest: DATA_LOSS.
  virtual absl::StatusOr<std::shared_ptr<const PolicySnapshot>> LoadPolicy(const std::string& name,
                                                                           int64_t version) = 0;
  // By name, then version.
  virtual absl::StatusOr<std::vector<v1::StoredPolicy>> ListPolicies() = 0;

  // Datasets. Creating one that exists is ALREADY_EXISTS. `dataset` has name, recipe, experiment_id, created_unix_ms.
  virtual absl::Status CreateDataset(const v1::Dataset& dataset) = 0;
  // Counts are of what is stored now.
  virtual absl::StatusOr<v1::Dataset> GetDataset(const std::string& name) = 0;
  virtual absl::StatusOr<std::vector<v1::Dataset>> ListDatasets() = 0;
  // Adds whole episodes to a dataset that is not complete. An episode number that is there already is left as it is.
  // Views need to live only during the call. FAILED_PRECONDITION: the dataset is complete.
  virtual absl::Status AppendEpisodes(const std::string& dataset, const std::vector<TrajectoryView>& episodes) = 0;
  // Keeps episodes [0, episodes), which must all be there (FAILED_PRECONDITION otherwise), drops the others, computes
  // the digest, and marks it complete. Returns it as GetDataset would. Idempotent.
  virtual absl::StatusOr<v1::Dataset> CompleteDataset(const std::string& dataset, int64_t episodes) = 0;
  // Reads whole episodes in ascending order from `first_episode` on, in batches of about `batch_bytes`, until the end
  // or until `visit` returns an error, which is returned. DATA_LOSS names a damaged episode.
  virtual absl::Status ReadEpisodes(const std::string& dataset, int64_t first_episode, int64_t batch_bytes,
                                    const std::function<absl::Status(v1::TrajectoryBatch)>& visit) = 0;
  // The outcomes of a dataset's episodes, by number, without reading their content.
  virtual absl::StatusOr<std::vector<EpisodeOutcome>> ListEpisodes(const std::string& dataset) = 0;
  // Recomputed from every stored byte.
  virtual absl::StatusOr<std::string> ComputeDatasetDigest(const std::string& dataset) = 0;
  // Reads everything and names what is wrong with it; goes on after damage.
  virtual absl::StatusOr<v1::VerifyDatasetResponse> VerifyDataset(const std::string& dataset) = 0;
  virtual absl::Status DeleteDataset(const std::string& dataset) = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_STORE_H_
