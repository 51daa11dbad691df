// The rows of the tables `checkpoints`, `checkpoint_contents` and `outcomes`: what a stage that is under way goes on
// from. All functions are to be called within a transaction.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_STAGE_ROWS_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_STAGE_ROWS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/trajectory/trajectory_layout.h"
#include "coordinator/storage/sql_connection.h"

namespace understudy {

// These do nothing where there is nothing to drop.
absl::Status DropCheckpoint(SqlConnection& database, const std::string& experiment, int stage);
// The content that the stage's checkpoint leads to, if it does; the checkpoint itself stays.
absl::Status DropCheckpointContent(SqlConnection& database, const std::string& experiment, int stage);
absl::Status DropOutcomes(SqlConnection& database, const std::string& experiment, int stage);

// All rows of a bound query for (number, steps, return).
absl::StatusOr<std::vector<EpisodeOutcome>> ReadOutcomes(SqlStatement& select);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_STAGE_ROWS_H_
