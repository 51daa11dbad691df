#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cli/catalogue.h"
#include "cli/commands.h"
#include "common/rpc/channel.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace understudy {
namespace {

using ::grpc::health::v1::Health;
using ::grpc::health::v1::HealthCheckRequest;
using ::grpc::health::v1::HealthCheckResponse;

// Less than probes usually wait.
constexpr absl::Duration kHealthTimeout = absl::Seconds(3);

absl::StatusOr<int> ListWorkers(const ListOptions& options, const Console& console) {
  return PrintList(options, console, "attached workers", &v1::Workers::Stub::List, &Connection::workers,
                   v1::ListWorkersRequest(), &v1::ListWorkersResponse::mutable_workers, WorkerJson, FormatWorkers);
}

struct HealthOptions {
  std::string server;
  ClientSecurity security;
  std::string service;
};

absl::StatusOr<int> CheckHealth(const HealthOptions& options, const Console& console) {
  if (absl::Status status = ValidateAddress(options.server); !status.ok()) return status;
  const auto credentials = LoadClientCredentials(options.security);
  if (!credentials.ok()) return credentials.status();
  HealthCheckRequest request;
  request.set_service(options.service);
  HealthCheckResponse response;
  grpc::ClientContext context;
  SetDeadline(context, kHealthTimeout);
  context.set_wait_for_ready(false);
  const grpc::Status called =
      Health::NewStub(MakeChannel(options.server, *credentials))->Check(&context, request, &response);
  if (!called.ok()) {
    const absl::Status status = FromGrpc(called);
    return absl::Status(status.code(), absl::StrCat(options.server, ": ", status.message()));
  }
  console.out << HealthCheckResponse::ServingStatus_Name(response.status()) << '\n';
  return response.status() == HealthCheckResponse::SERVING ? 0 : 1;
}

void AddWorkersGroup(CLI::App& app, Action& action) {
  CLI::App& group =
      AddGroup(app, "workers", "See the actors and learners", "understudy workers list --coordinator 10.0.0.7:50051");
  const auto [command, options] =
      AddCommand<ListOptions>(group, action, "list", "List the attached workers and what they are doing",
                              "understudy workers list --json", ListWorkers);
  AddCoordinatorOption(*command, options->connection);
  AddListOptions(*command, *options);
}

void AddHealthCommand(CLI::App& app, Action& action) {
  const auto [command, options] = AddCommand<HealthOptions>(
      app, action, "health",
      "Ask a coordinator or a learner whether it serves. The exit status is 0 if it does, else 1",
      "understudy health --server 127.0.0.1:50052", CheckHealth);
  // One of several: which is active, no probe wants to know.
  const std::string coordinators = DefaultCoordinator();
  options->server = coordinators.substr(0, coordinators.find(','));
  AddText(*command, "--server", options->server,
          "The server's address; unless given, the first in $UNDERSTUDY_COORDINATOR", {.type = "HOST:PORT"});
  AddSecurityOptions(*command, options->security);
  AddText(*command, "--service", options->service,
          "Ask for one service, such as understudy.v1.Rollouts, instead of the whole server");
}

}  // namespace

void AddClusterCommands(CLI::App& app, Action& action) {
  AddWorkersGroup(app, action);
  AddHealthCommand(app, action);
}

}  // namespace understudy
