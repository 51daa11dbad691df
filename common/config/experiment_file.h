// Reads experiment files: YAML text becomes an ExperimentSpec.
#ifndef UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_FILE_H_
#define UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Reads a file, fills in defaults and validates the result (ValidateExperiment).
// NOT_FOUND: there is no such file. INVALID_ARGUMENT says in one line what is wrong:
// "FILE:LINE: stages[1].train.clip: found -1, expected a number in (0, 1]".
absl::StatusOr<v1::ExperimentSpec> LoadExperimentFile(const std::string& path);

// Does the same with a text of at most 1 MiB. `file` is the name that messages give to the text.
absl::StatusOr<v1::ExperimentSpec> ParseExperiment(std::string_view text, const std::string& file);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_FILE_H_
