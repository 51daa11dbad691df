// The part of SqlStore that keeps experiments and their metrics.
#include <spdlog/spdlog.h>

#include <limits>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coordinator/storage/experiment_rows.h"
#include "coordinator/storage/sql_page.h"
#include "coordinator/storage/sql_store.h"

namespace understudy {
namespace {

template <typename Message>
absl::StatusOr<Message> Parse(std::string_view bytes, const std::string& what) {
  Message message;
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return message;
  return absl::DataLossError(absl::StrCat(what, ": its ", bytes.size(), " stored bytes are damaged"));
}

constexpr char kExperiments[] = "experiments";
constexpr char kMetrics[] = "metrics";

// The part of a query that leaves out what the filter does not want. Unary plus keeps a database from sorting all
// experiments by that column.
std::string Condition(const ExperimentFilter& filter) {
  std::string condition;
  if (filter.unfinished) condition += "finished_unix_ms = 0 AND ";
  if (filter.finished_before_unix_ms != 0) condition += "+finished_unix_ms BETWEEN 1 AND ? AND ";
  return condition;
}

// The numbers of a token's key; `first` where there is no token. Numbers that somebody has made up find nothing.
std::vector<int64_t> Numbers(const std::vector<std::string>& key, std::vector<int64_t> first) {
  for (size_t i = 0; i < key.size(); ++i) {
    if (!absl::SimpleAtoi(key[i], &first[i])) first[i] = 0;
  }
  return first;
}

absl::StatusOr<std::optional<v1::Experiment>> IntactExperiment(const SqlStatement& row) {
  auto experiment = Parse<v1::Experiment>(row.Bytes(3), absl::StrCat("experiment '", row.String(2), "'"));
  if (experiment.ok()) return *std::move(experiment);
  spdlog::error("{}", std::string(experiment.status().message()));
  return std::nullopt;
}

// FAILED_PRECONDITION: the experiment has not finished. A damaged one can never go on, and so has.
absl::Status CheckMayBeDeleted(SqlConnection& database, const std::string& id) {
  SqlStatement select = database.Prepare("SELECT finished_unix_ms, content FROM experiments WHERE id = ?");
  const absl::StatusOr<bool> row = select.Bind(id).Step();
  if (!row.ok()) return row.status();
  if (!*row) return absl::NotFoundError(absl::StrCat("there is no experiment '", id, "'"));
  if (select.Int64(0) != 0 || !Parse<v1::Experiment>(select.Bytes(1), id).ok()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("experiment ", id, " has not finished: cancel it first"));
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
  return WriteAndDrop(
      absl::StrCat("store experiment '", experiment.id(), "'"), [&](SqlConnection& database, bool drop) {
        SqlStatement put = database.Prepare(
            "INSERT INTO experiments (id, token, submitted_unix_ms, finished_unix_ms, content) "
            "VALUES (?, nullif(?, ''), ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET token = coalesce(excluded.token, experiments.token), "
            "submitted_unix_ms = excluded.submitted_unix_ms, finished_unix_ms = excluded.finished_unix_ms, "
            "content = excluded.content");
        const absl::Status status =
            put.Bind(experiment.id(), token, experiment.submitted_unix_ms(), FinishedUnixMs(experiment), Blob{content})
                .Run();
        return status.ok() ? DropWhatIsNeverResumed(database, experiment, drop) : status;
      });
}

absl::StatusOr<v1::Experiment> SqlStore::GetExperiment(const std::string& id) {
  absl::StatusOr<v1::Experiment> experiment;
  const absl::Status status = Read(absl::StrCat("read experiment '", id, "'"), [&](SqlConnection& database) {
    SqlStatement select = database.Prepare("SELECT content FROM experiments WHERE id = ?");
    const absl::StatusOr<bool> row = select.Bind(id).Step();
    if (!row.ok()) return row.status();
    experiment = *row ? Parse<v1::Experiment>(select.Bytes(0), absl::StrCat("experiment '", id, "'"))
                      : absl::NotFoundError(absl::StrCat("there is no experiment '", id, "'"));
    return experiment.status();
  });
  if (!status.ok()) return status;
  return experiment;
}

absl::StatusOr<Page<v1::Experiment>> SqlStore::ListExperiments(const ExperimentFilter& filter,
                                                               const PageRequest& request) {
  const absl::StatusOr<int64_t> size = PageSize(request);
  if (!size.ok()) return size.status();
  const auto key = ParsePageToken(kExperiments, request.token, 2);
  if (!key.ok()) return key.status();
  constexpr int64_t kNewest = std::numeric_limits<int64_t>::max();
  const std::vector<int64_t> after = Numbers(*key, {kNewest, kNewest});

  absl::StatusOr<Page<v1::Experiment>> page;
  const absl::Status status = Read("list the experiments", [&](SqlConnection& database) {
    SqlStatement select = database.Prepare(
        absl::StrCat("SELECT submitted_unix_ms, rowid, id, content FROM experiments WHERE ", Condition(filter),
                     "(submitted_unix_ms, rowid) < (?, ?) ORDER BY submitted_unix_ms DESC, rowid DESC LIMIT ?"));
    std::vector<SqlValue> values;
    if (filter.finished_before_unix_ms != 0) values.push_back(filter.finished_before_unix_ms);
    values.insert(values.end(), {after[0], after[1], *size + 1});
    page = ReadPageOf<v1::Experiment>(
        kExperiments, select.BindValues(values), *size, IntactExperiment, [](const SqlStatement& row) {
          return std::vector<std::string>{absl::StrCat(row.Int64(0)), absl::StrCat(row.Int64(1))};
        });
    return page.status();
  });
  if (!status.ok()) return status;
  return page;
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

absl::Status SqlStore::DeleteExperiments(const std::vector<std::string>& ids) {
  return WriteAndDrop("delete experiments", [&](SqlConnection& database, bool drop) {
    absl::Status status;
    for (const std::string& id : ids) {
      if (status.ok()) status = CheckMayBeDeleted(database, id);
      if (status.ok()) status = DeleteExperimentRows(database, id, /*only_own=*/!drop);
    }
    return status;
  });
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

absl::StatusOr<Page<v1::StageProgress>> SqlStore::ListMetrics(const std::string& experiment, int stage,
                                                              const PageRequest& request) {
  const absl::StatusOr<int64_t> size = PageSize(request);
  if (!size.ok()) return size.status();
  const auto key = ParsePageToken(kMetrics, request.token, 1);
  if (!key.ok()) return key.status();
  const int64_t after = Numbers(*key, {std::numeric_limits<int64_t>::min()}).front();

  absl::StatusOr<Page<v1::StageProgress>> page;
  const std::string name = absl::StrCat("metrics of experiment '", experiment, "'");
  const absl::Status status = Read(absl::StrCat("list ", name), [&](SqlConnection& database) {
    SqlStatement select = database.Prepare(
        "SELECT iteration, content FROM metrics WHERE experiment = ? AND stage = ? AND iteration > ? "
        "ORDER BY iteration LIMIT ?");
    page = ReadPageOf<v1::StageProgress>(
        kMetrics, select.Bind(experiment, stage, after, *size + 1), *size,
        [&](const SqlStatement& row) -> absl::StatusOr<std::optional<v1::StageProgress>> {
          return Parse<v1::StageProgress>(row.Bytes(1), name);
        },
        [](const SqlStatement& row) { return std::vector<std::string>{absl::StrCat(row.Int64(0))}; });
    return page.status();
  });
  if (!status.ok()) return status;
  return page;
}

absl::StatusOr<std::optional<v1::StageProgress>> SqlStore::LatestMetrics(const std::string& experiment, int stage) {
  std::optional<v1::StageProgress> latest;
  const std::string name = absl::StrCat("metrics of experiment '", experiment, "'");
  const absl::Status status = Read(absl::StrCat("read the latest ", name), [&](SqlConnection& database) {
    SqlStatement select = database.Prepare(
        "SELECT content FROM metrics WHERE experiment = ? AND stage = ? ORDER BY iteration DESC LIMIT 1");
    const absl::StatusOr<bool> row = select.Bind(experiment, stage).Step();
    if (!row.ok() || !*row) return row.status();
    absl::StatusOr<v1::StageProgress> parsed = Parse<v1::StageProgress>(select.Bytes(0), name);
    if (parsed.ok()) latest = *std::move(parsed);
    return parsed.status();
  });
  if (!status.ok()) return status;
  return latest;
}

}  // namespace understudy
