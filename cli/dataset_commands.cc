#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "cli/catalogue_json.h"
#include "cli/catalogue_report.h"
#include "cli/commands.h"
#include "common/process/text.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {
namespace {

absl::StatusOr<int> List(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  const auto response = (*connection)->Quick(&v1::Datasets::Stub::List, (*connection)->datasets(), {});
  if (!response.ok()) return response.status();
  if (options.json) {
    auto list = nlohmann::ordered_json::array();
    for (const v1::Dataset& dataset : response->datasets()) list.push_back(DatasetJson(dataset));
    PrintJson(list, console);
  } else if (response->datasets().empty()) {
    console.out << "no datasets\n";
  } else {
    console.out << FormatDatasets({response->datasets().begin(), response->datasets().end()});
  }
  return 0;
}

absl::StatusOr<int> Show(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  v1::GetDatasetRequest request;
  request.set_name(options.name);
  const auto dataset = (*connection)->Quick(&v1::Datasets::Stub::Get, (*connection)->datasets(), request);
  if (!dataset.ok()) return dataset.status();
  if (options.json) {
    PrintJson(DatasetJson(*dataset), console);
  } else {
    console.out << FormatDataset(*dataset);
  }
  return 0;
}

absl::StatusOr<int> Digest(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  v1::DigestDatasetRequest request;
  request.set_name(options.name);
  const auto response = (*connection)->Patient(&v1::Datasets::Stub::Digest, (*connection)->datasets(), request);
  if (!response.ok()) return response.status();
  if (options.json) {
    PrintJson({{"dataset", options.name}, {"digest", ToHex(response->digest())}}, console);
  } else {
    console.out << ToHex(response->digest()) << '\n';
  }
  return 0;
}

absl::StatusOr<int> Verify(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  v1::VerifyDatasetRequest request;
  request.set_name(options.name);
  const auto response = (*connection)->Patient(&v1::Datasets::Stub::Verify, (*connection)->datasets(), request);
  if (!response.ok()) return response.status();
  const std::vector<std::string> problems(response->problems().begin(), response->problems().end());
  if (options.json) {
    PrintJson({{"dataset", options.name},
               {"episodes", response->episodes()},
               {"transitions", response->transitions()},
               {"problems", problems}},
              console);
  } else {
    for (const std::string& problem : problems) console.out << problem << '\n';
    if (problems.empty()) {
      console.out << options.name << ": all of " << CountText(response->episodes(), "episode") << " and "
                  << CountText(response->transitions(), "transition") << " are as they were written\n";
    }
  }
  if (!problems.empty()) {
    return absl::DataLossError(absl::StrCat("dataset ", options.name, " is damaged: ", problems.front()));
  }
  return 0;
}

absl::StatusOr<int> Delete(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kWrite);
  if (!connection.ok()) return connection.status();
  v1::GetDatasetRequest get;
  get.set_name(options.name);
  const auto dataset = (*connection)->Quick(&v1::Datasets::Stub::Get, (*connection)->datasets(), get);
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

void AddWithName(CLI::App& group, Action& action, const std::string& name, const std::string& description,
                 std::function<absl::StatusOr<int>(const ClientOptions&, const Console&)> run) {
  const auto [command, options] =
      AddCommand<ClientOptions>(group, action, name, description,
                                "understudy datasets " + name + " cartpole-expert --data_dir demonstrations", run);
  command->add_option("NAME", options->name, "The dataset")->required();
  AddSourceOptions(*command, options->connection);
  AddJsonFlag(*command, options->json);
}

}  // namespace

void AddDatasetCommands(CLI::App& app, Action& action) {
  CLI::App& group = AddGroup(app, "datasets", "See, verify, export and delete recorded demonstrations",
                             "understudy datasets verify cartpole-expert --data_dir demonstrations");
  const auto [command, options] =
      AddCommand<ClientOptions>(group, action, "list", "All datasets", "understudy datasets list --json", List);
  AddSourceOptions(*command, options->connection);
  AddJsonFlag(*command, options->json);
  AddWithName(group, action, "show", "One dataset: size, digest, and the recipe that it was recorded by", Show);
  AddWithName(group, action, "digest", "SHA-256 of a dataset's content, computed from what is stored", Digest);
  AddWithName(group, action, "verify", "Read all of a dataset, and name what is damaged", Verify);
  AddExportCommand(group, action);
  AddWithName(group, action, "delete", "Delete a dataset", Delete);
}

}  // namespace understudy
