#include "coordinator/storage/dataset_rows.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/storage/sql_page.h"

namespace understudy {
namespace {

constexpr char kSelect[] =
    "SELECT id, name, experiment, created_unix_ms, complete, episodes, transitions, total_return, stored_bytes, "
    "digest, recipe FROM datasets ";

absl::StatusOr<DatasetRow> CurrentDataset(const SqlStatement& row) {
  DatasetRow result;
  result.id = row.Int64(0);
  v1::Dataset& dataset = result.dataset;
  dataset.set_name(row.String(1));
  dataset.set_experiment_id(row.String(2));
  dataset.set_created_unix_ms(row.Int64(3));
  dataset.set_complete(row.Int64(4) != 0);
  dataset.set_episodes(row.Int64(5));
  dataset.set_transitions(row.Int64(6));
  result.total_return = row.Double(7);
  dataset.set_mean_return(dataset.episodes() == 0 ? 0 : result.total_return / static_cast<double>(dataset.episodes()));
  dataset.set_stored_bytes(row.Int64(8));
  dataset.set_digest(row.String(9));
  const std::string_view recipe = row.Bytes(10);
  if (!dataset.mutable_recipe()->ParseFromArray(recipe.data(), static_cast<int>(recipe.size()))) {
    return absl::DataLossError(absl::StrCat("dataset '", dataset.name(), "': its stored recipe is damaged"));
  }
  return result;
}

}  // namespace

absl::StatusOr<DatasetRow> GetDatasetRow(SqlConnection& database, const std::string& name) {
  SqlStatement select = database.Prepare(absl::StrCat(kSelect, "WHERE name = ?"));
  const absl::StatusOr<bool> row = select.Bind(name).Step();
  if (!row.ok()) return row.status();
  if (!*row) return absl::NotFoundError(absl::StrCat("there is no dataset '", name, "'"));
  return CurrentDataset(select);
}

absl::Status CheckDatasetExists(SqlConnection& database, const DatasetRow& row) {
  SqlStatement select = database.Prepare("SELECT 1 FROM datasets WHERE id = ?");
  const absl::StatusOr<bool> found = select.Bind(row.id).Step();
  if (!found.ok()) return found.status();
  if (*found) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("dataset '", row.dataset.name(), "' was deleted meanwhile"));
}

absl::StatusOr<Page<v1::Dataset>> ListDatasetRows(SqlConnection& database, const std::string& after, int64_t size) {
  SqlStatement select = database.Prepare(absl::StrCat(kSelect, "WHERE name > ? ORDER BY name LIMIT ?"));
  return ReadPageOf<v1::Dataset>(
      kDatasetList, select.Bind(after, size + 1), size,
      [](const SqlStatement& row) -> absl::StatusOr<std::optional<v1::Dataset>> {
        absl::StatusOr<DatasetRow> dataset = CurrentDataset(row);
        if (!dataset.ok()) return dataset.status();
        return std::move(dataset->dataset);
      },
      [](const SqlStatement& row) { return std::vector<std::string>{row.String(1)}; });
}

absl::Status UpdateDatasetRow(SqlConnection& database, const DatasetRow& row) {
  SqlStatement update = database.Prepare(
      "UPDATE datasets SET complete = ?, episodes = ?, transitions = ?, total_return = ?, stored_bytes = ?, digest = ? "
      "WHERE id = ?");
  return update
      .Bind(row.dataset.complete(), row.dataset.episodes(), row.dataset.transitions(), row.total_return,
            row.dataset.stored_bytes(), Blob{row.dataset.digest()}, row.id)
      .Run();
}

absl::Status UpdateRecipe(SqlConnection& database, const DatasetRow& row) {
  const std::string recipe = row.dataset.recipe().SerializeAsString();
  return database.Prepare("UPDATE datasets SET recipe = ? WHERE id = ?").Bind(Blob{recipe}, row.id).Run();
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

}  // namespace understudy
