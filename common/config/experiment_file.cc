#include "common/config/experiment_file.h"

#include <filesystem>
#include <fstream>
#include <system_error>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/config/experiment_validation.h"
#include "common/config/yaml_message.h"
#include "common/config/yaml_tree.h"

namespace understudy {
namespace {

absl::Status FirstOf(const std::vector<Violation>& violations, const YamlNode& root, const std::string& file) {
  if (violations.empty()) return absl::OkStatus();
  const Violation& first = violations.front();
  return absl::InvalidArgumentError(absl::StrCat(file, ":", FindLine(root, first.path), ": ", first.path,
                                                 first.path.empty() ? "" : ": ", first.message));
}

}  // namespace

absl::StatusOr<v1::ExperimentSpec> LoadExperimentFile(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    return absl::NotFoundError(absl::StrCat(path, ": found no such file, expected an experiment in YAML"));
  }
  if (std::filesystem::is_directory(status)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": found a directory, expected an experiment in YAML"));
  }
  std::ifstream stream(path, std::ios::binary);
  // One byte more than is allowed is enough to refuse it, however long the file (or pipe) is.
  std::string text(kMaxYamlBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad() || (stream.fail() && !stream.eof())) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": cannot be read"));
  }
  text.resize(static_cast<size_t>(stream.gcount()));
  return ParseExperiment(text, path);
}

absl::StatusOr<v1::ExperimentSpec> ParseExperiment(std::string_view text, const std::string& file) {
  const absl::StatusOr<YamlNode> root = ParseYaml(text, file);
  if (!root.ok()) return root.status();
  v1::ExperimentSpec experiment;
  absl::Status status = FirstOf(ReadMessage(*root, experiment), *root, file);
  if (!status.ok()) return status;
  FillInDefaults(experiment);
  status = FirstOf(FindViolations(experiment), *root, file);
  if (!status.ok()) return status;
  return experiment;
}

}  // namespace understudy
