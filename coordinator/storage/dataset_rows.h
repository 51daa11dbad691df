// The rows of the tables `datasets` and `episodes`. Call these functions within a transaction.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_DATASET_ROWS_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_DATASET_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/storage/episode_codec.h"
#include "coordinator/storage/page.h"
#include "coordinator/storage/sql_connection.h"
#include "understudy/v1/datasets.pb.h"

namespace understudy {

// The name of the list of datasets in page tokens.
inline constexpr char kDatasetList[] = "datasets";

struct DatasetRow {
  int64_t id = 0;
  double total_return = 0;
  v1::Dataset dataset;
};

// Reads a dataset's row.
// NOT_FOUND: there is none; the message names the dataset. DATA_LOSS: its recipe is damaged.
absl::StatusOr<DatasetRow> GetDatasetRow(SqlConnection& database, const std::string& name);

// Checks that the dataset of this row still exists.
// NOT_FOUND: it has been deleted, even if there is another of its name.
absl::Status CheckDatasetExists(SqlConnection& database, const DatasetRow& row);

// Reads a page of at most `size` datasets whose names come after `after`, by name.
absl::StatusOr<Page<v1::Dataset>> ListDatasetRows(SqlConnection& database, const std::string& after, int64_t size);

// Writes the sums, completeness and digest of the row.
absl::Status UpdateDatasetRow(SqlConnection& database, const DatasetRow& row);
// Writes the recipe of the row.
absl::Status UpdateRecipe(SqlConnection& database, const DatasetRow& row);

// Inserts an episode and returns true. If there is one of that number, changes nothing and returns false.
absl::StatusOr<bool> InsertEpisode(SqlConnection& database, int64_t dataset_id, const EncodedEpisode& episode);

// Finds the lowest episode number that is at least `number`, without reading an episode. nullopt: there is none.
absl::StatusOr<std::optional<int64_t>> FindEpisodeFrom(SqlConnection& database, int64_t dataset_id, int64_t number);

// Reads an episode. Only EpisodeDecoder can tell whether it is what was stored.
// DATA_LOSS: it cannot be read.
absl::StatusOr<EncodedEpisode> GetEpisode(SqlConnection& database, int64_t dataset_id, int64_t number);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_DATASET_ROWS_H_
