// Reads experiment files: YAML text becomes an ExperimentSpec.
#ifndef UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_FILE_H_
#define UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_FILE_H_

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/config/constraints.h"
#include "common/config/yaml_tree.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Reads a file, fills in defaults and validates the result (ValidateExperiment).
// NOT_FOUND: there is no such file. INVALID_ARGUMENT says in one line what is wrong:
// "FILE:LINE: stages[1].train.clip: found -1, expected a number in (0, 1]".
absl::StatusOr<v1::ExperimentSpec> LoadExperimentFile(const std::string& path);

// Does the same with a text of at most 1 MiB. `file` is the name that messages give to the text.
absl::StatusOr<v1::ExperimentSpec> ParseExperiment(std::string_view text, const std::string& file);

// Sets the values of a YAML tree in a message of any type of configuration, which must be empty. This is the first step
// of ParseExperiment. A map becomes a message, a list a repeated field, and a key names a field. The keys of a selected
// member (field_value.h) stand among those of the enclosing message.
//
// Returns the violations, in the order of the text, and leaves their values out of the message. A key is a violation if
// it names no field or occurs twice; a value is one if it does not fit the field's type. Bounds are not checked here.
std::vector<Violation> ReadMessage(const YamlNode& root, google::protobuf::Message& message);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_FILE_H_
