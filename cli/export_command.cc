#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "cli/commands.h"
#include "cli/dataset_export.h"
#include "common/process/output_file.h"
#include "common/process/process.h"
#include "common/process/text.h"

namespace understudy {
namespace {

// "-", and whatever else leads there, such as /dev/stdout.
bool IsStandardOutput(const std::string& path) {
  struct stat named, standard_output;
  return path == "-" || (stat(path.c_str(), &named) == 0 && fstat(STDOUT_FILENO, &standard_output) == 0 &&
                         named.st_dev == standard_output.st_dev && named.st_ino == standard_output.st_ino);
}

struct Options : ClientOptions {
  std::string format;
  std::string output;
  bool force = false;
};

absl::StatusOr<ExportCount> ExportToFile(Connection& connection, const Options& options) {
  absl::StatusOr<OutputFile> file = OutputFile::Create(options.output, {.replace = options.force});
  if (!file.ok()) return file.status();
  const auto count =
      ExportDataset(connection, options.name, [&file](std::string_view lines) { return file->Write(lines); });
  if (!count.ok()) return count.status();
  if (absl::Status status = file->Commit(); !status.ok()) return status;
  return count;
}

absl::StatusOr<ExportCount> ExportToStandardOutput(Connection& connection, const Options& options,
                                                   const Console& console) {
  return ExportDataset(connection, options.name,
                       [&console](std::string_view lines) { return FlushOutput(console.out << lines); });
}

absl::StatusOr<int> Export(const Options& options, const Console& console) {
  const bool standard_output = IsStandardOutput(options.output);
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  const auto count =
      standard_output ? ExportToStandardOutput(**connection, options, console) : ExportToFile(**connection, options);
  if (!count.ok()) return count.status();
  if (standard_output) return 0;  // it has the lines alone
  if (options.json) {
    PrintJson({{"dataset", options.name},
               {"output", options.output},
               {"episodes", count->episodes},
               {"transitions", count->transitions}},
              console);
  } else {
    console.out << "wrote " << CountText(count->transitions, "transition") << " of "
                << CountText(count->episodes, "episode") << " to " << options.output << '\n';
  }
  return 0;
}

}  // namespace

void AddExportCommand(CLI::App& datasets, Action& action) {
  const auto [command, options] = AddCommand<Options>(
      datasets, action, "export", "Write a dataset as text, with one line for each step, in the order of its episodes",
      "understudy datasets export cartpole-expert --format jsonl --output expert.jsonl", Export);
  AddText(*command, "NAME", options->name, "The dataset", {.required = true});
  AddText(*command, "--format", options->format, "The format of the file", {.required = true, .one_of = {"jsonl"}});
  AddText(*command, "--output", options->output, "The file to write; - is standard output",
          {.type = "FILE", .required = true, .check = CheckPath});
  AddFlag(*command, "--force", options->force, "Replace a file that exists");
  AddSourceOptions(*command, options->connection);
  AddJsonFlag(*command, options->json);
}

}  // namespace understudy
