// The interface of the store, which keeps what the coordinator must not forget: experiments, metrics, checkpoints,
// policies and datasets.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_STORE_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/snapshot/policy_snapshot.h"
#include "common/trajectory/trajectory_layout.h"
#include "coordinator/storage/page.h"
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

// Which experiments a list has: all of them by default.
struct ExperimentFilter {
  bool unfinished = false;              // only those that have not finished
  int64_t finished_before_unix_ms = 0;  // not 0: only those that had finished by then
};

// The store. Every call may block on the disk. Thread-safe.
//
// A call that returns OK has made its change durable (on disk, synced). A change is atomic: all or nothing. Lists come
// in pages; a token that is none of the list's is INVALID_ARGUMENT.
//
// Errors name the object: NOT_FOUND, ALREADY_EXISTS, DATA_LOSS (stored bytes are damaged), RESOURCE_EXHAUSTED (disk
// full), UNAVAILABLE (the storage cannot be reached, or failed in another way: the same call may succeed later).
//
// The implementations are SqliteStore and PostgresStore. Both pass tests/coordinator/storage/store_conformance.
class Store {
 public:
  virtual ~Store() = default;

  // Returns a number larger than any that this call has returned before on this store. Epochs begin with it.
  virtual absl::StatusOr<int64_t> NextIncarnation() = 0;

  // Inserts an experiment, or replaces the one with its id. An empty token leaves the token as it was. The same change
  // drops checkpoints and outcomes of the experiment's stages that have SUCCEEDED, because they are never resumed.
  // ALREADY_EXISTS: the token is another experiment's.
  virtual absl::Status PutExperiment(const v1::Experiment& experiment, const std::string& token) = 0;
  virtual absl::StatusOr<v1::Experiment> GetExperiment(const std::string& id) = 0;
  // Lists newest first. A damaged experiment is left out, and named in the log.
  virtual absl::StatusOr<Page<v1::Experiment>> ListExperiments(const ExperimentFilter& filter,
                                                               const PageRequest& page) = 0;
  // Returns the id of the experiment that was put with this (non-empty) token; empty: there is none.
  virtual absl::StatusOr<std::string> FindExperimentByToken(const std::string& token) = 0;
  // Deletes experiments with their metrics, checkpoints and outcomes. After an error, none is deleted.
  // FAILED_PRECONDITION: one has not finished.
  virtual absl::Status DeleteExperiments(const std::vector<std::string>& ids) = 0;

  // Inserts the metrics of an iteration of a training stage, or replaces them.
  virtual absl::Status PutMetrics(const std::string& experiment, int stage, const v1::StageProgress& metrics) = 0;
  // Lists a stage's metrics by iteration.
  virtual absl::StatusOr<Page<v1::StageProgress>> ListMetrics(const std::string& experiment, int stage,
                                                              const PageRequest& page) = 0;
  // Returns the metrics of the last iteration; nullopt: there are none.
  virtual absl::StatusOr<std::optional<v1::StageProgress>> LatestMetrics(const std::string& experiment, int stage) = 0;

  // Replaces the stage's checkpoint as a whole if `header` is later, by epoch, then iteration. It does so even if the
  // earlier checkpoint is damaged. If `header` is not later, nothing is changed.
  // INVALID_ARGUMENT: the content does not have the header's size and checksum, or is larger than kMaxCheckpointBytes.
  virtual absl::Status PutCheckpoint(const v1::CheckpointHeader& header, std::string_view content) = 0;
  // Returns the stage's checkpoint.
  // NOT_FOUND: there is none. DATA_LOSS: it is not what was stored (checked against size and checksum).
  virtual absl::StatusOr<StoredCheckpoint> GetCheckpoint(const std::string& experiment, int stage) = 0;

  // Stores outcomes of an evaluate stage's episodes. A number that is there already is left as it is.
  virtual absl::Status AppendOutcomes(const std::string& experiment, int stage,
                                      const std::vector<EpisodeOutcome>& outcomes) = 0;
  // Returns the outcomes by number.
  virtual absl::StatusOr<std::vector<EpisodeOutcome>> ListOutcomes(const std::string& experiment, int stage) = 0;

  // Stores the snapshot as the next version of its name, whatever version its header says, and returns the number. No
  // number is given twice, even if its version has been deleted. If the latest version of the name has the same digest,
  // stores nothing and returns that version.
  virtual absl::StatusOr<int64_t> AddPolicy(const PolicySnapshot& snapshot, const v1::StageKey& origin) = 0;
  // Returns what is known of a policy, without its parameters. Version 0 means the latest.
  // NOT_FOUND: there is no such version. The message names the policy and the versions that there are.
  virtual absl::StatusOr<v1::StoredPolicy> GetPolicy(const std::string& name, int64_t version) = 0;
  // Loads a policy with its parameters. Version 0 means the latest.
  // NOT_FOUND: as GetPolicy. DATA_LOSS: the parameters do not have the policy's digest.
  virtual absl::StatusOr<std::shared_ptr<const PolicySnapshot>> LoadPolicy(const std::string& name,
                                                                           int64_t version) = 0;
  // Lists by name, then version.
  virtual absl::StatusOr<Page<v1::StoredPolicy>> ListPolicies(const PageRequest& page) = 0;
  // Deletes a version, or, with version 0, all of them, and returns how many that were.
  // NOT_FOUND: as GetPolicy.
  virtual absl::StatusOr<int64_t> DeletePolicy(const std::string& name, int64_t version) = 0;

  // Creates a dataset with the name, recipe, experiment_id and created_unix_ms of `dataset`.
  // ALREADY_EXISTS: there is a dataset of this name.
  virtual absl::Status CreateDataset(const v1::Dataset& dataset) = 0;
  // Returns a dataset. Its counts are those of what is stored now.
  virtual absl::StatusOr<v1::Dataset> GetDataset(const std::string& name) = 0;
  // Lists by name.
  virtual absl::StatusOr<Page<v1::Dataset>> ListDatasets(const PageRequest& page) = 0;
  // Adds whole episodes to a dataset that is not complete. An episode number that is there already is left as it is.
  // The views need to live only during the call.
  // FAILED_PRECONDITION: the dataset is complete.
  virtual absl::Status AppendEpisodes(const std::string& dataset, const std::vector<TrajectoryView>& episodes) = 0;
  // Completes a dataset with episodes [0, episodes): drops the others, computes the digest, and marks the dataset
  // complete. Returns it as GetDataset would. Idempotent.
  // FAILED_PRECONDITION: one of these episodes is not there, or the dataset is complete with another number of
  // episodes.
  virtual absl::StatusOr<v1::Dataset> CompleteDataset(const std::string& dataset, int64_t episodes) = 0;
  // Completes a dataset with the episodes that are there: those from 0 on without a gap, as far as the recipe asks for
  // them. If the recipe asks for more, it is changed to ask for just those. If the dataset is complete, nothing is
  // changed.
  // FAILED_PRECONDITION: episode 0 is not there.
  virtual absl::StatusOr<v1::Dataset> FinishDataset(const std::string& dataset) = 0;
  // Reads whole episodes in ascending order from `first_episode` on, in batches of about `batch_bytes`. It stops at the
  // end, or when `visit` returns an error, which is returned.
  // DATA_LOSS: an episode, which the message names, is damaged.
  virtual absl::Status ReadEpisodes(const std::string& dataset, int64_t first_episode, int64_t batch_bytes,
                                    const std::function<absl::Status(v1::TrajectoryBatch)>& visit) = 0;
  // Returns the outcomes of a dataset's episodes, by number, without reading their content.
  virtual absl::StatusOr<std::vector<EpisodeOutcome>> ListEpisodes(const std::string& dataset) = 0;
  // Computes the digest from every stored byte.
  virtual absl::StatusOr<std::string> ComputeDatasetDigest(const std::string& dataset) = 0;
  // Reads a whole dataset, names what is wrong with it, and goes on after damage.
  virtual absl::StatusOr<v1::VerifyDatasetResponse> VerifyDataset(const std::string& dataset) = 0;
  // Deletes a dataset with its episodes.
  virtual absl::Status DeleteDataset(const std::string& dataset) = 0;

  // Gives space that deleted things took back to the file system, a little at a time, so that others can write
  // meanwhile. Does nothing if the database does that by itself, or cannot. Errors are only logged.
  virtual void ReleaseSpace() = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_STORE_H_
