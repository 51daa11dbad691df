#include <nlohmann/json.hpp>

#include "cli/catalogue_json.h"
#include "cli/catalogue_report.h"
#include "cli/commands.h"

namespace understudy {
namespace {

absl::StatusOr<int> List(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  const auto response = (*connection)->Quick(&v1::Workers::Stub::List, (*connection)->workers(), {});
  if (!response.ok()) return response.status();
  if (options.json) {
    auto list = nlohmann::ordered_json::array();
    for (const v1::Worker& worker : response->workers()) list.push_back(WorkerJson(worker));
    PrintJson(list, console);
  } else if (response->workers().empty()) {
    console.out << "no workers are attached\n";
  } else {
    console.out << FormatWorkers({response->workers().begin(), response->workers().end()});
  }
  return 0;
}

}  // namespace

void AddWorkerCommands(CLI::App& app, Action& action) {
  CLI::App& group =
      AddGroup(app, "workers", "See the actors and learners", "understudy workers list --coordinator 10.0.0.7:50051");
  const auto [command, options] = AddCommand<ClientOptions>(group, action, "list", "Attached workers and what they do",
                                                            "understudy workers list --json", List);
  AddCoordinatorOption(*command, options->connection);
  AddJsonFlag(*command, options->json);
}

}  // namespace understudy
