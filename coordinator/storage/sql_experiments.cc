// The part of SqlStore that keeps experiments and their metrics.
#include <spdlog/spdlog.h>

#include <string_view>

#include "absl/strings/str_cat.h"
#include "coordinator/storage/sql_store.h"
#include "coordinator/storage/stage_rows.h"

namespace understudy {
namespace {

template <typename Message>
absl::StatusOr<Message> Parse(std::string_view bytes, const std::string& what) {
  Message message;
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return message;
  return absl::DataLossError(absl::StrCat(what, ": its ", bytes.size(), " stored bytes are damaged"));
}

// What a damaged row means for the others.
enum class Damaged { kLeaveOut, kIsAnError };

// All rows of a bound query for (name, content).
template <typename Message>
absl::Status ParseRows(SqlStatement& select, const std::string& kind, Damaged damaged, std::vector<Message>& messages) {
  messages.clear();
  while (true) {
    const absl::StatusOr<bool> row = select.Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
    absl::StatusOr<Message> message = Parse<Message>(select.Bytes(1), absl::StrCat(kind, " '", select.String(0), "'"));
    if (message.ok()) {
      messages.push_back(*std::move(message));
    } else if (damaged == Damaged::kLeaveOut) {
      spdlog::error("{}", std::string(message.status().message()));
    } else {
      return message.status();
    }
  }
}

// A checkpoint's row goes in any case: without it, nothing leads to the content.
absl::Status DropWhatIsNeverResumed(SqlConnection& database, const v1::Experiment& experiment, bool drop) {
  for (int stage = 0; stage < experiment.stages_size(); ++stage) {
    if (experiment.stages(stage).status() != v1::STATUS_SUCCEEDED) continue;
    absl::Status status = drop ? DropCheckpointContent(database, experiment.id(), stage) : absl::OkStatus();
    if (status.ok()) status = DropCheckpoint(database, experiment.id(), stage);
    if (status.ok() && drop) status = DropOutcomes(database, experiment.id(), stage);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SqlStore::PutExperiment(const v1::Experiment& experiment, const std::string& token) {
  const std::string content = experiment.SerializeAsString();
  return WriteAndDrop(absl::StrCat("store experiment '", experiment.id(), "'"), [&](SqlConnection& database,
                                                                                    bool drop) {
    SqlStatement put = database.Prepare(
        "INSERT INTO experiments (id, token, submitted_unix_ms, content) VALUES (?, nullif(?, ''), ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET token = coalesce(excluded.token, experiments.token), "
        "submitted_unix_ms = excluded.submitted_unix_ms, content = excluded.content");
    const absl::Status status = put.Bind(experiment.id(), token, experiment.submitted_unix_ms(), Blob{content}).Run();
    return status.ok() ? DropWhatIsNeverResumed(database, experiment, drop) : status;
  });
}

absl::StatusOr<v1::Experiment> SqlStore::GetExperiment(const std::string& id) {
  std::vector<v1::Experiment> found;
  const absl::Status status = Read(absl::StrCat("read experiment '", id, "'"), [&](SqlConnection& database) {
    SqlStatement select = database.Prepare("SELECT id, content FROM experiments WHERE id = ?");
    return ParseRows(select.Bind(id), "experiment", Damaged::kIsAnError, found);
  });
  if (!status.ok()) return status;
  if (found.empty()) return absl::NotFoundError(absl::StrCat("there is no experiment '", id, "'"));
  return std::move(found.front());
}

absl::StatusOr<std::vector<v1::Experiment>> SqlStore::ListExperiments() {
  std::vector<v1::Experiment> experiments;
  const absl::Status status = Read("list the experiments", [&](SqlConnection& database) {
    SqlStatement select =
        database.Prepare("SELECT id, content FROM experiments ORDER BY submitted_unix_ms DESC, rowid DESC");
    return ParseRows(select, "experiment", Damaged::kLeaveOut, experiments);
  });
  if (!status.ok()) return status;
  return experiments;
}

absl::StatusOr<std::string> SqlStore::FindExperimentByToken(const std::string& token) {
  std::string id;
  const absl::Status status = Read("find an experiment by its token", [&](SqlConnection& database) {
    SqlStatement select = database.Prepare("SELECT id FROM experiments WHERE token = ?");
    const absl::StatusOr<bool> row = select.Bind(token).Step();
    if (!row.ok()) return row.status();
    if (*row) id = select.String(0);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return id;
}

absl::Status SqlStore::PutMetrics(const std::string& experiment, int stage, const v1::StageProgress& metrics) {
  return Write(absl::StrCat("store metrics of experiment '", experiment, "'"), [&](SqlConnection& database) {
    const std::string content = metrics.SerializeAsString();
    SqlStatement put = database.Prepare(
        "INSERT INTO metrics (experiment, stage, iteration, content) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (experiment, stage, iteration) DO UPDATE SET content = excluded.content");
    return put.Bind(experiment, stage, metrics.iteration(), Blob{content}).Run();
  });
}

absl::StatusOr<std::vector<v1::StageProgress>> SqlStore::ListMetrics(const std::string& experiment, int stage) {
  std::vector<v1::StageProgress> metrics;
  const absl::Status status =
      Read(absl::StrCat("list metrics of experiment '", experiment, "'"), [&](SqlConnection& database) {
        SqlStatement select = database.Prepare(
            "SELECT experiment, content FROM metrics WHERE experiment = ? AND stage = ? ORDER BY iteration");
        return ParseRows(select.Bind(experiment, stage), "metrics of experiment", Damaged::kIsAnError, metrics);
      });
  if (!status.ok()) return status;
  return metrics;
}

}  // namespace understudy
