// The part of SqlStore that keeps the episodes of datasets.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/snapshot/policy_snapshot.h"
#include "common/trajectory/dataset_content.h"
#include "coordinator/storage/experiment_rows.h"
#include "coordinator/storage/page.h"
#include "coordinator/storage/sql_store.h"

namespace understudy {
namespace {

absl::Status CheckDatasetExists(SqlConnection& database, const DatasetRow& row) {
  SqlStatement select = database.Prepare("SELECT 1 FROM datasets WHERE id = ?");
  const absl::StatusOr<bool> found = select.Bind(row.id).Step();
  if (!found.ok()) return found.status();
  if (*found) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("dataset '", row.dataset.name(), "' was deleted meanwhile"));
}

absl::StatusOr<bool> InsertEpisode(SqlConnection& database, int64_t dataset_id, const EncodedEpisode& episode) {
  SqlStatement insert = database.Prepare(
      "INSERT INTO episodes (dataset, number, steps, return, terminated, truncated, digest, content) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (dataset, number) DO NOTHING");
  const absl::Status status =
      insert
          .Bind(dataset_id, episode.number, episode.steps, episode.undiscounted_return, episode.terminated,
                episode.truncated, Blob{episode.digest}, Blob{episode.content})
          .Run();
  if (!status.ok()) return status;
  return database.changes() == 1;
}

absl::StatusOr<std::optional<int64_t>> FindEpisodeFrom(SqlConnection& database, int64_t dataset_id, int64_t number) {
  SqlStatement select =
      database.Prepare("SELECT number FROM episodes WHERE dataset = ? AND number >= ? ORDER BY number LIMIT 1");
  const absl::StatusOr<bool> row = select.Bind(dataset_id, number).Step();
  if (!row.ok()) return row.status();
  return *row ? std::optional<int64_t>(select.Int64(0)) : std::nullopt;
}

absl::StatusOr<EncodedEpisode> GetEpisode(SqlConnection& database, int64_t dataset_id, int64_t number) {
  SqlStatement select = database.Prepare(
      "SELECT steps, return, terminated, truncated, digest, content FROM episodes WHERE dataset = ? AND number = ?");
  const absl::StatusOr<bool> row = select.Bind(dataset_id, number).Step();
  if (!row.ok()) return row.status();
  if (!*row) return absl::DataLossError("is in the index, but not in the table");
  return EncodedEpisode{
      .number = number,
      .steps = select.Int64(0),
      .undiscounted_return = select.Double(1),
      .terminated = select.Int64(2) != 0,
      .truncated = select.Int64(3) != 0,
      .digest = select.String(4),
      .content = select.String(5),
  };
}

absl::Status NameEpisode(const absl::Status& status, const std::string& dataset, int64_t number) {
  if (status.ok()) return status;
  return absl::Status(status.code(), absl::StrCat("dataset '", dataset, "', episode ", number, ": ", status.message()));
}

absl::Status CheckNotComplete(const DatasetRow& row) {
  if (!row.dataset.complete()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("cannot add episodes to dataset '", row.dataset.name(), "': it is complete"));
}

// Adds those that are new, and what they bring to the sums of `row`.
absl::Status InsertEpisodes(SqlConnection& database, const std::vector<EncodedEpisode>& episodes, DatasetRow& row) {
  for (const EncodedEpisode& episode : episodes) {
    const absl::StatusOr<bool> added = InsertEpisode(database, row.id, episode);
    if (!added.ok()) return added.status();
    if (!*added) continue;
    row.dataset.set_episodes(row.dataset.episodes() + 1);
    row.dataset.set_transitions(row.dataset.transitions() + episode.steps);
    row.dataset.set_stored_bytes(row.dataset.stored_bytes() + static_cast<int64_t>(episode.content.size()));
    row.total_return += episode.undiscounted_return;
  }
  return UpdateDatasetRow(database, row);
}

// A complete dataset has all of its episodes: the next one after those before `expected` is `expected`.
absl::Status CheckNoGap(const v1::Dataset& dataset, int64_t expected, int64_t found) {
  if (!dataset.complete() || found <= expected) return absl::OkStatus();
  return absl::DataLossError(
      absl::StrCat("dataset '", dataset.name(), "', episode ", expected,
                   found == expected + 1 ? " is missing" : absl::StrCat(" to ", found - 1, " are missing")));
}

// What VerifyDataset has found so far.
class Findings {
 public:
  explicit Findings(const v1::Dataset& dataset) : dataset_(dataset), digest_(dataset.recipe()) {}

  void Report(const absl::Status& problem) {
    if (problem.ok() || response_.problems_size() == kMaxProblems) return;
    response_.add_problems(std::string(problem.message()));
  }

  // An intact episode.
  void Count(const EncodedEpisode& episode) {
    response_.set_episodes(response_.episodes() + 1);
    response_.set_transitions(response_.transitions() + episode.steps);
    digest_.Add(episode.digest);
  }

  // Intact episodes may still be others than those that the dataset was completed with.
  v1::VerifyDatasetResponse Finish() && {
    if (dataset_.complete() && response_.problems().empty()) {
      const std::string digest = digest_.Finish();
      if (digest != dataset_.digest() || response_.transitions() != dataset_.transitions()) {
        Report(absl::DataLossError(absl::StrCat("dataset '", dataset_.name(), "' has ", response_.transitions(),
                                                " transitions and digest ", ToHex(digest), ", expected ",
                                                dataset_.transitions(), " and ", ToHex(dataset_.digest()))));
      }
    }
    return std::move(response_);
  }

 private:
  static constexpr int kMaxProblems = 100;

  const v1::Dataset& dataset_;
  DatasetDigest digest_;
  v1::VerifyDatasetResponse response_;
};

}  // namespace

absl::Status SqlStore::AppendEpisodes(const std::string& dataset, const std::vector<TrajectoryView>& episodes) {
  const absl::StatusOr<DatasetRow> found = FindDataset(dataset);
  if (!found.ok()) return found.status();
  if (absl::Status status = CheckNotComplete(*found); !status.ok()) return status;

  EpisodeEncoder encoder(found->dataset.recipe());
  std::vector<EncodedEpisode> encoded;
  encoded.reserve(episodes.size());
  for (const TrajectoryView& episode : episodes) {
    absl::StatusOr<EncodedEpisode> one = encoder.Encode(episode);
    if (!one.ok()) return NameEpisode(one.status(), dataset, episode.trajectory->episode());
    encoded.push_back(*std::move(one));
  }

  return Write(absl::StrCat("add episodes to dataset '", dataset, "'"), [&](SqlConnection& database) {
    if (absl::Status status = CheckDatasetExists(database, *found); !status.ok()) return status;
    absl::StatusOr<DatasetRow> row = GetDatasetRow(database, dataset);
    if (!row.ok()) return row.status();
    if (absl::Status status = CheckNotComplete(*row); !status.ok()) return status;
    return InsertEpisodes(database, encoded, *row);
  });
}

absl::StatusOr<std::vector<EncodedEpisode>> SqlStore::ReadPage(const DatasetRow& row, int64_t number, int64_t bytes) {
  std::vector<EncodedEpisode> page;
  const std::string& name = row.dataset.name();
  const absl::Status status =
      Read(absl::StrCat("read dataset '", name, "'"), [&](SqlConnection& database) -> absl::Status {
        if (absl::Status exists = CheckDatasetExists(database, row); !exists.ok()) return exists;
        page.clear();
        int64_t from = number;
        int64_t read = 0;
        do {
          const absl::StatusOr<std::optional<int64_t>> next = FindEpisodeFrom(database, row.id, from);
          if (!next.ok()) return next.status();
          if (!next->has_value()) break;
          absl::StatusOr<EncodedEpisode> episode = GetEpisode(database, row.id, **next);
          if (!episode.ok()) return NameEpisode(episode.status(), name, **next);
          from = **next + 1;
          read += DecompressedBytes(*episode);
          page.push_back(*std::move(episode));
        } while (read < bytes);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return page;
}

// Page by page, each a transaction of its own: a slow reader keeps no old versions of the database alive.
absl::Status SqlStore::ReadEpisodes(const std::string& dataset, int64_t first_episode, int64_t batch_bytes,
                                    const std::function<absl::Status(v1::TrajectoryBatch)>& visit) {
  const absl::StatusOr<DatasetRow> row = FindDataset(dataset);
  if (!row.ok()) return row.status();
  const v1::DatasetRecipe& recipe = row->dataset.recipe();
  EpisodeDecoder decoder(recipe);
  int64_t next = std::max<int64_t>(first_episode, 0);
  while (true) {
    const absl::StatusOr<std::vector<EncodedEpisode>> page = ReadPage(*row, next, batch_bytes);
    if (!page.ok()) return page.status();
    if (page->empty()) return CheckNoGap(row->dataset, next, row->dataset.episodes());
    v1::TrajectoryBatch batch;
    Stamp(recipe, batch);
    for (const EncodedEpisode& episode : *page) {
      if (absl::Status status = CheckNoGap(row->dataset, next, episode.number); !status.ok()) return status;
      next = episode.number + 1;
      const absl::StatusOr<v1::TrajectoryBatch> decoded = decoder.Decode(episode);
      if (!decoded.ok()) return NameEpisode(decoded.status(), dataset, episode.number);
      AppendTrajectory(ViewTrajectories(*decoded, recipe.environment()).front(), batch);
    }
    if (absl::Status status = visit(std::move(batch)); !status.ok()) return status;
  }
}

absl::StatusOr<std::vector<EpisodeOutcome>> SqlStore::ListEpisodes(const std::string& dataset) {
  absl::StatusOr<std::vector<EpisodeOutcome>> outcomes;
  const absl::Status status =
      Read(absl::StrCat("list the episodes of dataset '", dataset, "'"), [&](SqlConnection& database) {
        const absl::StatusOr<DatasetRow> row = GetDatasetRow(database, dataset);
        if (!row.ok()) return row.status();
        SqlStatement select =
            database.Prepare("SELECT number, steps, return FROM episodes WHERE dataset = ? ORDER BY number");
        outcomes = ReadOutcomes(select.Bind(row->id));
        return outcomes.status();
      });
  if (!status.ok()) return status;
  return outcomes;
}

absl::StatusOr<std::string> SqlStore::ComputeDatasetDigest(const std::string& dataset) {
  const absl::StatusOr<v1::Dataset> found = GetDataset(dataset);
  if (!found.ok()) return found.status();
  DatasetDigest digest(found->recipe());
  const absl::Status status = ReadEpisodes(dataset, 0, kPageBytes, [&](const v1::TrajectoryBatch& batch) {
    for (const TrajectoryView& view : ViewTrajectories(batch, found->recipe().environment())) {
      digest.Add(EpisodeDigest(view));
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return digest.Finish();
}

absl::StatusOr<std::optional<int64_t>> SqlStore::NextEpisode(const DatasetRow& row, int64_t number) {
  absl::StatusOr<std::optional<int64_t>> next;
  const absl::Status status =
      Read(absl::StrCat("read dataset '", row.dataset.name(), "'"), [&](SqlConnection& database) {
        if (absl::Status exists = CheckDatasetExists(database, row); !exists.ok()) return exists;
        next = FindEpisodeFrom(database, row.id, number);
        return next.status();
      });
  if (!status.ok()) return status;
  return next;
}

absl::StatusOr<v1::VerifyDatasetResponse> SqlStore::VerifyDataset(const std::string& dataset) {
  const absl::StatusOr<DatasetRow> row = FindDataset(dataset);
  if (!row.ok()) return row.status();
  Findings findings(row->dataset);
  EpisodeDecoder decoder(row->dataset.recipe());
  int64_t next = 0;
  while (true) {
    const absl::StatusOr<std::optional<int64_t>> number = NextEpisode(*row, next);
    // Without the index, nothing says what comes next.
    if (absl::IsDataLoss(number.status())) findings.Report(number.status());
    if (absl::IsDataLoss(number.status())) break;
    if (!number.ok()) return number.status();
    if (!number->has_value()) break;
    findings.Report(CheckNoGap(row->dataset, next, **number));
    next = **number + 1;

    // One at a time, so that a damaged one costs only itself.
    const absl::StatusOr<std::vector<EncodedEpisode>> page = ReadPage(*row, **number, 1);
    absl::Status status = page.status();
    if (page.ok() && page->empty()) continue;  // dropped meanwhile, when its dataset was completed
    if (page.ok()) status = NameEpisode(decoder.Decode(page->front()).status(), dataset, **number);
    if (status.ok()) {
      findings.Count(page->front());
    } else if (absl::IsDataLoss(status)) {
      findings.Report(status);
    } else {
      return status;
    }
  }
  findings.Report(CheckNoGap(row->dataset, next, row->dataset.episodes()));
  return std::move(findings).Finish();
}

}  // namespace understudy
