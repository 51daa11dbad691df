// The rows of the tables `datasets` and `episodes`. All functions are to be called within a transaction.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_DATASET_ROWS_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_DATASET_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/storage/episode_codec.h"
#include "coordinator/storage/sql_connection.h"
#include "understudy/v1/datasets.pb.h"

namespace understudy {

struct DatasetRow {
  int64_t id = 0;
  double total_return = 0;
  v1::Dataset dataset;
};

// NOT_FOUND names it; DATA_LOSS: its recipe is damaged.
absl::StatusOr<DatasetRow> GetDatasetRow(SqlConnection& database, const std::string& name);

// NOT_FOUND where this very dataset is not there any more.
absl::Status CheckDatasetExists(SqlConnection& database, const DatasetRow& row);

// By name.
absl::StatusOr<std::vector<DatasetRow>> ListDatasetRows(SqlConnection& database);

// Writes the sums, completeness and digest.
absl::Status UpdateDatasetRow(SqlConnection& database, const DatasetRow& row);

// False: an episode of that number was there already, and stays.
absl::StatusOr<bool> InsertEpisode(SqlConnection& database, int64_t dataset_id, const EncodedEpisode& episode);

// The lowest number that is at least `number`; reads no episode.
absl::StatusOr<std::optional<int64_t>> FindEpisodeFrom(SqlConnection& database, int64_t dataset_id, int64_t number);

// DATA_LOSS where it cannot be read; whether it is what was stored, only EpisodeDecoder can tell.
absl::StatusOr<EncodedEpisode> GetEpisode(SqlConnection& database, int64_t dataset_id, int64_t number);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_DATASET_ROWS_H_
