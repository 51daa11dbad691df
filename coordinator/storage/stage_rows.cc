#include "coordinator/storage/stage_rows.h"

namespace understudy {

absl::Status DropCheckpoint(SqlConnection& database, const std::string& experiment, int stage) {
  return database.Prepare("DELETE FROM checkpoints WHERE experiment = ? AND stage = ?").Bind(experiment, stage).Run();
}

absl::Status DropCheckpointContent(SqlConnection& database, const std::string& experiment, int stage) {
  SqlStatement drop = database.Prepare(
      "DELETE FROM checkpoint_contents WHERE id IN "
      "(SELECT content FROM checkpoints WHERE experiment = ? AND stage = ?)");
  return drop.Bind(experiment, stage).Run();
}

absl::Status DropOutcomes(SqlConnection& database, const std::string& experiment, int stage) {
  return database.Prepare("DELETE FROM outcomes WHERE experiment = ? AND stage = ?").Bind(experiment, stage).Run();
}

absl::StatusOr<std::vector<EpisodeOutcome>> ReadOutcomes(SqlStatement& select) {
  std::vector<EpisodeOutcome> outcomes;
  while (true) {
    const absl::StatusOr<bool> row = select.Step();
    if (!row.ok()) return row.status();
    if (!*row) return outcomes;
    outcomes.push_back({.number = select.Int64(0), .steps = select.Int64(1), .undiscounted_return = select.Double(2)});
  }
}

}  // namespace understudy
