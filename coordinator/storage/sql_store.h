// The store on an SQL database. Its statements are those that SQLite and PostgreSQL both know; what differs is in their
// connections (sql_connection.h) and schemas (schema.h).
//
// Damage is found when something is read: episodes and policies carry SHA-256 digests, checkpoints a checksum. If one
// row is damaged, the others can still be read one by one. A page of policies, datasets or metrics with a damaged row
// in it is DATA_LOSS; a page of experiments leaves the row out. A damaged checkpoint can still be replaced.
//
// The methods are in sql_experiments.cc (with metrics), sql_checkpoints.cc (with outcomes), sql_policies.cc,
// sql_datasets.cc (datasets as wholes), sql_episodes.cc (their content), sql_copy.cc and sql_store.cc (the rest).
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_SQL_STORE_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_SQL_STORE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/process/mutex.h"
#include "coordinator/storage/episode_codec.h"
#include "coordinator/storage/sql_connection.h"
#include "coordinator/storage/store.h"

namespace understudy {

class Latencies;

// A row of the table `datasets`, which sql_datasets.cc and sql_episodes.cc both read and change.
struct DatasetRow {
  int64_t id = 0;
  double total_return = 0;
  v1::Dataset dataset;
};

// Reads a dataset's row, within a transaction.
// NOT_FOUND: there is none; the message names the dataset. DATA_LOSS: its recipe is damaged.
absl::StatusOr<DatasetRow> GetDatasetRow(SqlConnection& database, const std::string& name);
// Writes the sums, completeness and digest of a dataset's row, within a transaction.
absl::Status UpdateDatasetRow(SqlConnection& database, const DatasetRow& row);

// Commits changes of several threads in common transactions. So a disk that syncs a hundred times a second takes more
// than a hundred changes a second.
//
// Thread-safe. It has no thread of its own: the caller that has waited longest writes for all callers that wait. A
// caller that comes alone writes at once.
class GroupCommit {
 public:
  using Body = std::function<absl::Status(SqlConnection&)>;

  explicit GroupCommit(std::unique_ptr<SqlConnection> connection) : connection_(std::move(connection)) {}

  // Runs `body` in a transaction that writes, alone or together with the changes of other callers. Changes run in the
  // order of the calls. `body` may run on another caller's thread. It may also run more than once, as in any
  // transaction. If a common transaction fails, each of its changes is tried again in a transaction of its own. So none
  // fails because of another. Returns what SqlConnection::Transact returns for this change.
  // UNAVAILABLE is not tried again: every caller of the common transaction gets the same error, which names the first
  // caller's operation.
  absl::Status Run(const std::string& operation, const Body& body);

  // Returns how many calls of Run wait for their change to be written.
  size_t waiting();

 private:
  struct Change {
    const std::string& operation;
    const Body& body;
    absl::Status status;
    bool done = false;
    CondVar changed;
  };

  // Writes changes and sets their statuses. Called only by the caller whose change is first in the queue.
  void Write(const std::vector<Change*>& changes);

  // Used by one caller at a time: the one whose change is first in the queue.
  const std::unique_ptr<SqlConnection> connection_;
  Mutex mutex_;
  std::deque<Change*> queue_ ABSL_GUARDED_BY(mutex_);  // in the order of the calls, until written
};

// Thread-safe. It has one connection for writers and one for readers, so neither group waits for the other. Writers
// that wait are committed together (GroupCommit). Readers take turns. Compressing and checking are done without holding
// a connection. Only CopyTo runs a caller's function with one.
class SqlStore : public Store {
 public:
  absl::StatusOr<int64_t> NextIncarnation() override;

  absl::Status PutExperiment(const v1::Experiment& experiment, const std::string& token) override;
  absl::StatusOr<v1::Experiment> GetExperiment(const std::string& id) override;
  absl::StatusOr<Page<v1::Experiment>> ListExperiments(const ExperimentFilter& filter,
                                                       const PageRequest& page) override;
  absl::StatusOr<std::string> FindExperimentByToken(const std::string& token) override;
  absl::Status DeleteExperiments(const std::vector<std::string>& ids) override;
  absl::Status PutMetrics(const std::string& experiment, int stage, const v1::StageProgress& metrics) override;
  absl::StatusOr<Page<v1::StageProgress>> ListMetrics(const std::string& experiment, int stage,
                                                      const PageRequest& page) override;
  absl::StatusOr<std::optional<v1::StageProgress>> LatestMetrics(const std::string& experiment, int stage) override;

  absl::Status PutCheckpoint(const v1::CheckpointHeader& header, std::string_view content) override;
  absl::StatusOr<StoredCheckpoint> GetCheckpoint(const std::string& experiment, int stage) override;
  absl::Status AppendOutcomes(const std::string& experiment, int stage,
                              const std::vector<EpisodeOutcome>& outcomes) override;
  absl::StatusOr<std::vector<EpisodeOutcome>> ListOutcomes(const std::string& experiment, int stage) override;

  absl::StatusOr<int64_t> AddPolicy(const PolicySnapshot& snapshot, const v1::StageKey& origin) override;
  absl::StatusOr<v1::StoredPolicy> GetPolicy(const std::string& name, int64_t version) override;
  absl::StatusOr<std::shared_ptr<const PolicySnapshot>> LoadPolicy(const std::string& name, int64_t version) override;
  absl::StatusOr<Page<v1::StoredPolicy>> ListPolicies(const PageRequest& page) override;
  absl::StatusOr<int64_t> DeletePolicy(const std::string& name, int64_t version) override;

  absl::Status CreateDataset(const v1::Dataset& dataset) override;
  absl::StatusOr<v1::Dataset> GetDataset(const std::string& name) override;
  absl::StatusOr<Page<v1::Dataset>> ListDatasets(const PageRequest& page) override;
  absl::Status AppendEpisodes(const std::string& dataset, const std::vector<TrajectoryView>& episodes) override;
  absl::StatusOr<v1::Dataset> CompleteDataset(const std::string& dataset, int64_t episodes) override;
  absl::StatusOr<v1::Dataset> FinishDataset(const std::string& dataset) override;
  absl::Status ReadEpisodes(const std::string& dataset, int64_t first_episode, int64_t batch_bytes,
                            const std::function<absl::Status(v1::TrajectoryBatch)>& visit) override;
  absl::StatusOr<std::vector<EpisodeOutcome>> ListEpisodes(const std::string& dataset) override;
  absl::StatusOr<std::string> ComputeDatasetDigest(const std::string& dataset) override;
  absl::StatusOr<v1::VerifyDatasetResponse> VerifyDataset(const std::string& dataset) override;
  absl::Status DeleteDataset(const std::string& dataset) override;
  void ReleaseSpace() override;

  // Copies everything to an empty store; ids, versions and times stay the same. A target that has only counted its
  // incarnation (NextIncarnation) still counts as empty. The copy is one transaction of each store, so nothing is there
  // until all is. Other readers of this store, and writers of the target, wait for it. `progress` is called with a
  // table's name, the rows copied of it so far, and whether those are all.
  // FAILED_PRECONDITION: the target is not empty.
  using CopyProgress = std::function<void(const std::string& table, int64_t rows, bool all)>;
  absl::Status CopyTo(SqlStore& target, const CopyProgress& progress);

  // Records from now on how long each transaction takes, waiting included. It is recorded under the name of the method
  // that runs the transaction. Also counts the transactions that the store could not serve. `latencies` must outlive
  // the store. Call it before other threads use the store.
  void Measure(Latencies& latencies) { latencies_ = &latencies; }

 protected:
  // Makes a store. Without a writer every writing call fails with PERMISSION_DENIED.
  SqlStore(std::unique_ptr<SqlConnection> writer, std::unique_ptr<SqlConnection> reader);

 private:
  using Body = std::function<absl::Status(SqlConnection&)>;

  // Runs `body` in a transaction that may write. `operation` says in error messages what was tried (see
  // SqlConnection::Transact). `body` may run more than once, and on another thread.
  absl::Status Write(const std::string& operation, const Body& body, const char* method = __builtin_FUNCTION());
  // Runs `body` in a transaction that only reads, on this thread.
  absl::Status Read(const std::string& operation, const Body& body, const char* method = __builtin_FUNCTION());
  // Runs `body` as Write does, and lets it drop what nobody needs any more. If damage is met, `body` runs once more,
  // and is told not to drop. So damage does not keep anybody from storing. Then nothing refers to the damaged pages any
  // more, and their space in the file is lost.
  absl::Status WriteAndDrop(const std::string& operation,
                            const std::function<absl::Status(SqlConnection&, bool drop)>& body,
                            const char* method = __builtin_FUNCTION());

  // Reads a dataset's row in a transaction of its own. Errors: GetDatasetRow's.
  absl::StatusOr<DatasetRow> FindDataset(const std::string& name);
  // Finds the lowest episode number that is at least `number`.
  absl::StatusOr<std::optional<int64_t>> NextEpisode(const DatasetRow& row, int64_t number);
  // Reads episodes from `number` on, in order, until they decompress to `bytes`. Reads at least one, if there is any.
  absl::StatusOr<std::vector<EncodedEpisode>> ReadPage(const DatasetRow& row, int64_t number, int64_t bytes);

  Latencies* latencies_ = nullptr;
  // Null where the store is open for reading only.
  const std::unique_ptr<GroupCommit> writer_;
  Mutex read_mutex_;
  const std::unique_ptr<SqlConnection> reader_ ABSL_PT_GUARDED_BY(read_mutex_);
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_SQL_STORE_H_
