// The rows of the tables that belong to experiments: `experiments`, `checkpoints`, `checkpoint_contents`, `outcomes`.
// Call these functions within a transaction.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_EXPERIMENT_ROWS_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_EXPERIMENT_ROWS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/trajectory/trajectory_layout.h"
#include "coordinator/storage/sql_connection.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Returns the value of the column `finished_unix_ms`: when the experiment finished, or 0 if it has not.
int64_t FinishedUnixMs(const v1::Experiment& experiment);

// Fills the column `finished_unix_ms` of all rows from their content. A damaged row counts as finished, so that it can
// be deleted.
absl::Status FillFinishedUnixMs(SqlConnection& database);

// Drops the stage's checkpoint; its content stays. Does nothing if there is none.
absl::Status DropCheckpoint(SqlConnection& database, const std::string& experiment, int stage);
// Drops the content that the stage's checkpoint leads to; the checkpoint itself stays. Does nothing if there is none.
absl::Status DropCheckpointContent(SqlConnection& database, const std::string& experiment, int stage);
// Drops the stage's outcomes. Does nothing if there are none.
absl::Status DropOutcomes(SqlConnection& database, const std::string& experiment, int stage);

// Deletes all rows of an experiment. With `only_own` it deletes only those of the tables `experiments` and
// `checkpoints`. Metrics, outcomes and contents of checkpoints stay where they are, and nothing leads to them any more.
absl::Status DeleteExperimentRows(SqlConnection& database, const std::string& experiment, bool only_own);

// Reads all rows of a bound query for (number, steps, return).
absl::StatusOr<std::vector<EpisodeOutcome>> ReadOutcomes(SqlStatement& select);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_EXPERIMENT_ROWS_H_
