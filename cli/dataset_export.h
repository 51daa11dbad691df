// Exports a dataset's steps as JSON lines.
#ifndef UNDERSTUDY_CLI_DATASET_EXPORT_H_
#define UNDERSTUDY_CLI_DATASET_EXPORT_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cli/connection.h"
#include "common/trajectory/trajectory_layout.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// Appends one line for each step of each trajectory of a valid batch, in order:
//   {"episode", "step", "observation", "action", "reward", "terminated", "truncated", "next_observation", "log_prob",
//    "policy", "policy_version"}, and "logits" and "value" where they are recorded.
// The flags are those of the episode's last step; every other step has neither. Numbers are the shortest that read back
// as the same float32. An action is an integer (discrete) or a list. Pure.
void AppendStepLines(const v1::TrajectoryBatch& batch, const v1::EnvironmentSpec& environment, std::string& out);

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
