// The part of SqlStore that keeps datasets as wholes.
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/trajectory/dataset_content.h"
#include "coordinator/storage/sql_page.h"
#include "coordinator/storage/sql_store.h"

namespace understudy {
namespace {

// The name of the list in page tokens.
constexpr char kDatasetList[] = "datasets";

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

absl::Status UpdateRecipe(SqlConnection& database, const DatasetRow& row) {
  const std::string recipe = row.dataset.recipe().SerializeAsString();
  return database.Prepare("UPDATE datasets SET recipe = ? WHERE id = ?").Bind(Blob{recipe}, row.id).Run();
}

// Sums and digest of episodes 0 … n-1, in their order: as floating-point sums depend on it, the row's running sum will
// not do for a complete dataset.
absl::Status SummariseEpisodes(SqlConnection& database, int64_t episodes, DatasetRow& row) {
  v1::Dataset& dataset = row.dataset;
  DatasetDigest digest(dataset.recipe());
  dataset.set_episodes(0);
  dataset.set_transitions(0);
  dataset.set_stored_bytes(0);
  row.total_return = 0;
  SqlStatement select = database.Prepare(
      "SELECT number, steps, return, digest, length(content) FROM episodes WHERE dataset = ? AND number >= 0 "
      "ORDER BY number LIMIT ?");
  select.Bind(row.id, episodes);
  while (true) {
    const absl::StatusOr<bool> found = select.Step();
    if (!found.ok()) return found.status();
    if (!*found || select.Int64(0) != dataset.episodes()) break;
    dataset.set_episodes(dataset.episodes() + 1);
    dataset.set_transitions(dataset.transitions() + select.Int64(1));
    row.total_return += select.Double(2);
    digest.Add(select.Bytes(3));
    dataset.set_stored_bytes(dataset.stored_bytes() + select.Int64(4));
  }
  if (dataset.episodes() != episodes) {
    return absl::FailedPreconditionError(absl::StrCat("cannot complete dataset '", dataset.name(), "' with ", episodes,
                                                      " episodes: episode ", dataset.episodes(), " is not there"));
  }
  dataset.set_digest(digest.Finish());
  return absl::OkStatus();
}

absl::Status CompleteRow(SqlConnection& database, int64_t episodes, DatasetRow& row) {
  if (absl::Status status = SummariseEpisodes(database, episodes, row); !status.ok()) return status;
  row.dataset.set_complete(true);
  SqlStatement surplus = database.Prepare("DELETE FROM episodes WHERE dataset = ? AND (number < 0 OR number >= ?)");
  if (absl::Status status = surplus.Bind(row.id, episodes).Run(); !status.ok()) return status;
  return UpdateDatasetRow(database, row);
}

// How far FinishRow takes a dataset: the episodes from 0 on without a gap, but no more than its recipe asks for.
struct Prefix {
  int64_t episodes = 0;
  bool all = false;  // that the recipe asks for
};

absl::StatusOr<Prefix> FindPrefix(SqlConnection& database, const DatasetRow& row) {
  const v1::DatasetRecipe& recipe = row.dataset.recipe();
  SqlStatement select =
      database.Prepare("SELECT number, steps FROM episodes WHERE dataset = ? AND number >= 0 ORDER BY number");
  select.Bind(row.id);
  Prefix prefix;
  int64_t transitions = 0;
  while (!prefix.all) {
    const absl::StatusOr<bool> found = select.Step();
    if (!found.ok()) return found.status();
    if (!*found || select.Int64(0) != prefix.episodes) break;
    ++prefix.episodes;
    transitions += select.Int64(1);
    prefix.all = recipe.transitions() > 0 ? transitions >= recipe.transitions() : prefix.episodes >= recipe.episodes();
  }
  return prefix;
}

absl::Status FinishRow(SqlConnection& database, DatasetRow& row) {
  if (row.dataset.complete()) return absl::OkStatus();
  const absl::StatusOr<Prefix> prefix = FindPrefix(database, row);
  if (!prefix.ok()) return prefix.status();
  if (prefix->episodes == 0) {
    return absl::FailedPreconditionError(absl::StrCat("cannot finish dataset '", row.dataset.name(),
                                                      "': episode 0 is not there, expected at least that one"));
  }
  if (!prefix->all) {
    row.dataset.mutable_recipe()->clear_transitions();
    row.dataset.mutable_recipe()->set_episodes(prefix->episodes);
    if (absl::Status status = UpdateRecipe(database, row); !status.ok()) return status;
  }
  return CompleteRow(database, prefix->episodes, row);
}

}  // namespace

absl::StatusOr<DatasetRow> GetDatasetRow(SqlConnection& database, const std::string& name) {
  SqlStatement select = database.Prepare(absl::StrCat(kSelect, "WHERE name = ?"));
  const absl::StatusOr<bool> row = select.Bind(name).Step();
  if (!row.ok()) return row.status();
  if (!*row) return absl::NotFoundError(absl::StrCat("there is no dataset '", name, "'"));
  return CurrentDataset(select);
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

absl::Status SqlStore::CreateDataset(const v1::Dataset& dataset) {
  return Write(absl::StrCat("create dataset '", dataset.name(), "'"), [&](SqlConnection& database) -> absl::Status {
    const std::string recipe = dataset.recipe().SerializeAsString();
    SqlStatement insert = database.Prepare(
        "INSERT INTO datasets (name, experiment, created_unix_ms, complete, episodes, transitions, total_return, "
        "stored_bytes, digest, recipe) VALUES (?, ?, ?, 0, 0, 0, 0, 0, ?, ?) ON CONFLICT (name) DO NOTHING");
    const absl::Status status =
        insert.Bind(dataset.name(), dataset.experiment_id(), dataset.created_unix_ms(), Blob{""}, Blob{recipe}).Run();
    if (status.ok() && database.changes() == 0) {
      return absl::AlreadyExistsError(absl::StrCat("there is a dataset '", dataset.name(), "' already"));
    }
    return status;
  });
}

absl::StatusOr<DatasetRow> SqlStore::FindDataset(const std::string& name) {
  absl::StatusOr<DatasetRow> row;
  const absl::Status status = Read(absl::StrCat("read dataset '", name, "'"), [&](SqlConnection& database) {
    row = GetDatasetRow(database, name);
    return row.status();
  });
  if (!status.ok()) return status;
  return row;
}

absl::StatusOr<v1::Dataset> SqlStore::GetDataset(const std::string& name) {
  absl::StatusOr<DatasetRow> row = FindDataset(name);
  if (!row.ok()) return row.status();
  return std::move(row->dataset);
}

absl::StatusOr<Page<v1::Dataset>> SqlStore::ListDatasets(const PageRequest& request) {
  const absl::StatusOr<int64_t> size = PageSize(request);
  if (!size.ok()) return size.status();
  const auto key = ParsePageToken(kDatasetList, request.token, 1);
  if (!key.ok()) return key.status();
  absl::StatusOr<Page<v1::Dataset>> page;
  const absl::Status status = Read("list the datasets", [&](SqlConnection& database) {
    SqlStatement select = database.Prepare(absl::StrCat(kSelect, "WHERE name > ? ORDER BY name LIMIT ?"));
    page = ReadPageOf<v1::Dataset>(
        kDatasetList, select.Bind(key->empty() ? "" : key->front(), *size + 1), *size,
        [](const SqlStatement& row) -> absl::StatusOr<std::optional<v1::Dataset>> {
          absl::StatusOr<DatasetRow> dataset = CurrentDataset(row);
          if (!dataset.ok()) return dataset.status();
          return std::move(dataset->dataset);
        },
        [](const SqlStatement& row) { return std::vector<std::string>{row.String(1)}; });
    return page.status();
  });
  if (!status.ok()) return status;
  return page;
}

absl::StatusOr<v1::Dataset> SqlStore::CompleteDataset(const std::string& dataset, int64_t episodes) {
  const absl::Status status =
      Write(absl::StrCat("complete dataset '", dataset, "'"), [&](SqlConnection& database) -> absl::Status {
        absl::StatusOr<DatasetRow> row = GetDatasetRow(database, dataset);
        if (!row.ok()) return row.status();
        if (!row->dataset.complete()) return CompleteRow(database, episodes, *row);
        if (row->dataset.episodes() == episodes) return absl::OkStatus();
        return absl::FailedPreconditionError(absl::StrCat("cannot complete dataset '", dataset, "' with ", episodes,
                                                          " episodes: it is complete with ", row->dataset.episodes()));
      });
  if (!status.ok()) return status;
  return GetDataset(dataset);
}

absl::StatusOr<v1::Dataset> SqlStore::FinishDataset(const std::string& dataset) {
  const absl::Status status =
      Write(absl::StrCat("finish dataset '", dataset, "'"), [&](SqlConnection& database) -> absl::Status {
        absl::StatusOr<DatasetRow> row = GetDatasetRow(database, dataset);
        return row.ok() ? FinishRow(database, *row) : row.status();
      });
  if (!status.ok()) return status;
  return GetDataset(dataset);
}

absl::Status SqlStore::DeleteDataset(const std::string& dataset) {
  return Write(absl::StrCat("delete dataset '", dataset, "'"), [&](SqlConnection& database) -> absl::Status {
    // Its episodes go with it.
    SqlStatement remove = database.Prepare("DELETE FROM datasets WHERE name = ?");
    const absl::Status status = remove.Bind(dataset).Run();
    if (status.ok() && database.changes() == 0) {
      return absl::NotFoundError(absl::StrCat("there is no dataset '", dataset, "'"));
    }
    return status;
  });
}

}  // namespace understudy
