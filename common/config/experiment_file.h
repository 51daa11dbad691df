// Experiment files: YAML text to a message.
#ifndef UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_FILE_H_
#define UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Reads a file and validates it (ValidateExperiment), defaults filled in. INVALID_ARGUMENT, one line:
// "FILE:LINE: stages[1].train.clip: found -1, expected a number in (0, 1]". NOT_FOUND: no such file.
absl::StatusOr<v1::ExperimentSpec> LoadExperimentFile(const std::string& path);

// The same from text; `file` is for messages. Text beyond 1 MiB is refused.
absl::StatusOr<v1::ExperimentSpec> ParseExperiment(std::string_view text, const std::string& file);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_FILE_H_
