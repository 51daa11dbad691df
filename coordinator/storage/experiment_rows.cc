#include "coordinator/storage/experiment_rows.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace understudy {
namespace {

struct FinishedRow {
  std::string id;
  int64_t finished_unix_ms;
};

// Rows with ids behind `after`, as many as are filled at a time.
absl::StatusOr<std::vector<FinishedRow>> ReadFinished(SqlConnection& database, const std::string& after) {
  SqlStatement select =
      database.Prepare("SELECT id, submitted_unix_ms, content FROM experiments WHERE id > ? ORDER BY id LIMIT 500");
  select.Bind(after);
  std::vector<FinishedRow> rows;
  while (true) {
    const absl::StatusOr<bool> row = select.Step();
    if (!row.ok()) return row.status();
    if (!*row) return rows;
    v1::Experiment experiment;
    const std::string_view content = select.Bytes(2);
    const bool intact = experiment.ParseFromArray(content.data(), static_cast<int>(content.size()));
    rows.push_back({select.String(0), intact ? FinishedUnixMs(experiment) : std::max<int64_t>(select.Int64(1), 1)});
  }
}

}  // namespace

int64_t FinishedUnixMs(const v1::Experiment& experiment) {
  switch (experiment.status()) {
    case v1::STATUS_SUCCEEDED:
    case v1::STATUS_FAILED:
    case v1::STATUS_CANCELLED:
      return std::max<int64_t>(experiment.finished_unix_ms(), 1);
    default:
      return 0;
  }
}

absl::Status FillFinishedUnixMs(SqlConnection& database) {
  std::string after;
  while (true) {
    const absl::StatusOr<std::vector<FinishedRow>> rows = ReadFinished(database, after);
    if (!rows.ok()) return rows.status();
    if (rows->empty()) return absl::OkStatus();
    SqlStatement update = database.Prepare("UPDATE experiments SET finished_unix_ms = ? WHERE id = ?");
    for (const FinishedRow& row : *rows) {
      if (absl::Status status = update.Bind(row.finished_unix_ms, row.id).Run(); !status.ok()) return status;
    }
    after = rows->back().id;
  }
}

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

absl::Status DeleteExperimentRows(SqlConnection& database, const std::string& experiment, bool only_own) {
  absl::Status status;
  if (!only_own) {
    for (const char* sql :
         {"DELETE FROM metrics WHERE experiment = ?", "DELETE FROM outcomes WHERE experiment = ?",
          "DELETE FROM checkpoint_contents WHERE id IN (SELECT content FROM checkpoints WHERE experiment = ?)"}) {
      if (status.ok()) status = database.Prepare(sql).Bind(experiment).Run();
    }
  }
  for (const char* sql : {"DELETE FROM checkpoints WHERE experiment = ?", "DELETE FROM experiments WHERE id = ?"}) {
    if (status.ok()) status = database.Prepare(sql).Bind(experiment).Run();
  }
  return status;
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
