// Exports a dataset's steps as lines of text.
#ifndef UNDERSTUDY_CLI_DATASET_EXPORT_H_
#define UNDERSTUDY_CLI_DATASET_EXPORT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cli/connection.h"

namespace understudy {

struct ExportCount {
  int64_t episodes = 0;
  int64_t transitions = 0;
};

// Reads a dataset and gives its lines (AppendStepLines) to `write`, many at a time, in the order of the episodes. Holds
// one message of the stream at a time.
// DATA_LOSS: what came is not the whole dataset in order. Others: the first error of `write` or of a call.
absl::StatusOr<ExportCount> ExportDataset(Connection& connection, const std::string& name,
                                          const std::function<absl::Status(std::string_view)>& write);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_DATASET_EXPORT_H_
