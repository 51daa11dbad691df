#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/catalogue.h"
#include "cli/commands.h"
#include "cli/dataset_export.h"
#include "common/process/output_file.h"
#include "common/process/process.h"
#include "common/process/text.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {
namespace {

using Json = nlohmann::ordered_json;

absl::StatusOr<int> List(const ListOptions& options, const Console& console) {
  return PrintList(options, console, "datasets", &v1::Datasets::Stub::List, &Connection::datasets,
                   v1::ListDatasetsRequest(), &v1::ListDatasetsResponse::mutable_datasets, DatasetJson, FormatDatasets);
}

absl::StatusOr<v1::Dataset> Get(Connection& connection, const std::string& name) {
  v1::GetDatasetRequest request;
  request.set_name(name);
  return connection.Quick(&v1::Datasets::Stub::Get, connection.datasets(), request);
}

void Print(const v1::Dataset& dataset, bool json, const Console& console) {
  if (json) {
    PrintJson(DatasetJson(dataset), console);
  } else {
    console.out << FormatDataset(dataset);
  }
}

// Says on standard error that a dataset is incomplete, where it is.
void NoteIncomplete(const v1::Dataset& dataset, const Console& console) {
  if (dataset.complete()) return;
  console.out.flush();
  console.err << "understudy: dataset " << dataset.name() << " is incomplete: " << ProgressText(dataset)
              << "; 'datasets finish' makes a complete one of what is there" << std::endl;
}

absl::StatusOr<int> Show(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  const auto dataset = Get(**connection, options.name);
  if (!dataset.ok()) return dataset.status();
  Print(*dataset, options.json, console);
  return 0;
}

absl::StatusOr<int> Digest(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  const auto dataset = Get(**connection, options.name);
  if (!dataset.ok()) return dataset.status();
  v1::DigestDatasetRequest request;
  request.set_name(options.name);
  const auto response = (*connection)->Patient(&v1::Datasets::Stub::Digest, (*connection)->datasets(), request);
  if (!response.ok()) return response.status();
  if (options.json) {
    Json json = {{"dataset", options.name}, {"digest", ToHex(response->digest())}};
    AddCompleteness(*dataset, json);
    PrintJson(json, console);
  } else {
    console.out << ToHex(response->digest()) << '\n';
  }
  NoteIncomplete(*dataset, console);
  return 0;
}

absl::StatusOr<int> Verify(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  const auto dataset = Get(**connection, options.name);
  if (!dataset.ok()) return dataset.status();
  v1::VerifyDatasetRequest request;
  request.set_name(options.name);
  const auto response = (*connection)->Patient(&v1::Datasets::Stub::Verify, (*connection)->datasets(), request);
  if (!response.ok()) return response.status();
  const std::vector<std::string> problems(response->problems().begin(), response->problems().end());
  if (options.json) {
    Json json = {{"dataset", options.name},
                 {"episodes", response->episodes()},
                 {"transitions", response->transitions()},
                 {"problems", problems}};
    AddCompleteness(*dataset, json);
    PrintJson(json, console);
  } else {
    for (const std::string& problem : problems) console.out << problem << '\n';
    if (problems.empty()) {
      console.out << options.name << ": all of " << CountText(response->episodes(), "episode") << " and "
                  << CountText(response->transitions(), "transition") << " are as they were written\n";
    }
  }
  NoteIncomplete(*dataset, console);
  if (!problems.empty()) {
    return absl::DataLossError(absl::StrCat("dataset ", options.name, " is damaged: ", problems.front()));
  }
  return 0;
}

absl::StatusOr<int> Finish(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kWrite);
  if (!connection.ok()) return connection.status();
  v1::FinishDatasetRequest request;
  request.set_name(options.name);
  const auto dataset = (*connection)->Patient(&v1::Datasets::Stub::Finish, (*connection)->datasets(), request);
  if (!dataset.ok()) return dataset.status();
  Print(*dataset, options.json, console);
  return 0;
}

absl::StatusOr<int> Delete(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kWrite);
  if (!connection.ok()) return connection.status();
  const auto dataset = Get(**connection, options.name);
  if (!dataset.ok()) return dataset.status();
  v1::DeleteDatasetRequest request;
  request.set_name(options.name);
  const auto response = (*connection)->Patient(&v1::Datasets::Stub::Delete, (*connection)->datasets(), request);
  if (!response.ok()) return response.status();
  if (options.json) {
    PrintJson({{"deleted", DatasetJson(*dataset)}}, console);
  } else {
    console.out << "deleted dataset " << options.name << ": " << CountText(dataset->episodes(), "episode") << ", "
                << CountText(dataset->transitions(), "transition") << '\n';
  }
  return 0;
}

// Whether the path is "-", or leads to standard output as /dev/stdout does.
bool IsStandardOutput(const std::string& path) {
  struct stat named, standard_output;
  return path == "-" || (stat(path.c_str(), &named) == 0 && fstat(STDOUT_FILENO, &standard_output) == 0 &&
                         named.st_dev == standard_output.st_dev && named.st_ino == standard_output.st_ino);
}

struct ExportOptions : ClientOptions {
  std::string format;
  std::string output;
  bool force = false;
};

absl::StatusOr<ExportCount> ExportToFile(Connection& connection, const ExportOptions& options) {
  absl::StatusOr<OutputFile> file = OutputFile::Create(options.output, {.replace = options.force});
  if (!file.ok()) return file.status();
  const auto count =
      ExportDataset(connection, options.name, [&file](std::string_view lines) { return file->Write(lines); });
  if (!count.ok()) return count.status();
  if (absl::Status status = file->Commit(); !status.ok()) return status;
  return count;
}

absl::StatusOr<ExportCount> ExportToStandardOutput(Connection& connection, const ExportOptions& options,
                                                   const Console& console) {
  return ExportDataset(connection, options.name,
                       [&console](std::string_view lines) { return FlushOutput(console.out << lines); });
}

absl::StatusOr<int> Export(const ExportOptions& options, const Console& console) {
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

void AddWithName(CLI::App& group, Action& action, const std::string& name, const std::string& description,
                 std::function<absl::StatusOr<int>(const ClientOptions&, const Console&)> run) {
  const auto [command, options] =
      AddCommand<ClientOptions>(group, action, name, description,
                                "understudy datasets " + name + " cartpole-expert --data_dir demonstrations", run);
  AddText(*command, "NAME", options->name, "The dataset", {.required = true});
  AddSourceOptions(*command, options->connection);
  AddJsonFlag(*command, options->json);
}

void AddExport(CLI::App& group, Action& action) {
  const auto [command, options] = AddCommand<ExportOptions>(
      group, action, "export", "Write a dataset as text, with one line for each step, in the order of its episodes",
      "understudy datasets export cartpole-expert --format jsonl --output expert.jsonl", Export);
  AddText(*command, "NAME", options->name, "The dataset", {.required = true});
  AddText(*command, "--format", options->format, "The format of the file", {.required = true, .one_of = {"jsonl"}});
  AddText(*command, "--output", options->output, "The file to write; - is standard output",
          {.type = "FILE", .required = true, .check = CheckPath});
  AddFlag(*command, "--force", options->force, "Replace a file that exists");
  AddSourceOptions(*command, options->connection);
  AddJsonFlag(*command, options->json);
}

}  // namespace

void AddDatasetCommands(CLI::App& app, Action& action) {
  CLI::App& group = AddGroup(app, "datasets", "See, verify, export, finish and delete recorded demonstrations",
                             "understudy datasets verify cartpole-expert --data_dir demonstrations");
  const auto [command, options] =
      AddCommand<ListOptions>(group, action, "list", "List datasets, by name", "understudy datasets list --json", List);
  AddSourceOptions(*command, options->connection);
  AddListOptions(*command, *options);
  AddWithName(group, action, "show", "Show a dataset: its size, its digest, and the recipe by which it was recorded",
              Show);
  AddWithName(group, action, "digest", "Compute the SHA-256 of a dataset's content from its stored episodes", Digest);
  AddWithName(group, action, "verify", "Read every episode of a dataset, and name those that are damaged", Verify);
  AddExport(group, action);
  AddWithName(group, action, "finish", "Make a complete dataset of the episodes that an incomplete one has", Finish);
  AddWithName(group, action, "delete", "Delete a dataset", Delete);
}

}  // namespace understudy
