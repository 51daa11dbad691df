#include "cli/catalogue_json.h"
#include "cli/catalogue_report.h"
#include "cli/list_command.h"

namespace understudy {
namespace {

absl::StatusOr<int> List(const ListOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  const absl::Status status =
      PrintList(options, console, "attached workers", **connection, &v1::Workers::Stub::List, (*connection)->workers(),
                v1::ListWorkersRequest(), &v1::ListWorkersResponse::mutable_workers, WorkerJson, FormatWorkers);
  if (!status.ok()) return status;
  return 0;
}

}  // namespace

void AddWorkerCommands(CLI::App& app, Action& action) {
  CLI::App& group =
      AddGroup(app, "workers", "See the actors and learners", "understudy workers list --coordinator 10.0.0.7:50051");
  const auto [command, options] =
      AddCommand<ListOptions>(group, action, "list", "List the attached workers and what they are doing",
                              "understudy workers list --json", List);
  AddCoordinatorOption(*command, options->connection);
  AddListOptions(*command, *options);
  AddJsonFlag(*command, options->json);
}

}  // namespace understudy
