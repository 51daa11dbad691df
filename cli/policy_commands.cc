#include <nlohmann/json.hpp>

#include "cli/catalogue_json.h"
#include "cli/catalogue_report.h"
#include "cli/commands.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {
namespace {

absl::StatusOr<int> List(const ClientOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  const auto response = (*connection)->Quick(&v1::Policies::Stub::List, (*connection)->policies(), {});
  if (!response.ok()) return response.status();
  if (options.json) {
    auto list = nlohmann::ordered_json::array();
    for (const v1::StoredPolicy& policy : response->policies()) list.push_back(PolicyJson(policy));
    PrintJson(list, console);
  } else if (response->policies().empty()) {
    console.out << "no policies\n";
  } else {
    console.out << FormatPolicies({response->policies().begin(), response->policies().end()});
  }
  return 0;
}

absl::StatusOr<int> Show(const ClientOptions& options, const Console& console) {
  const absl::StatusOr<PolicyReference> reference = ParsePolicyReference(options.name);
  if (!reference.ok()) return reference.status();
  const auto connection = Connection::Open(options.connection, Access::kRead);
  if (!connection.ok()) return connection.status();
  v1::GetPolicyRequest request;
  request.set_name(reference->name);
  request.set_version(reference->version);
  const auto policy = (*connection)->Quick(&v1::Policies::Stub::Get, (*connection)->policies(), request);
  if (!policy.ok()) return policy.status();
  if (options.json) {
    PrintJson(PolicyJson(*policy), console);
  } else {
    console.out << FormatPolicy(*policy);
  }
  return 0;
}

}  // namespace

void AddPolicyCommands(CLI::App& app, Action& action) {
  CLI::App& group = AddGroup(app, "policies", "See the stored policies",
                             "understudy policies show expert@1 --data_dir demonstrations");
  {
    const auto [command, options] =
        AddCommand<ClientOptions>(group, action, "list", "All versions of all policies",
                                  "understudy policies list --data_dir demonstrations", List);
    AddSourceOptions(*command, options->connection);
    AddJsonFlag(*command, options->json);
  }
  {
    const auto [command, options] =
        AddCommand<ClientOptions>(group, action, "show", "One policy: network, spaces, digest, origin",
                                  "understudy policies show expert@1 --data_dir demonstrations", Show);
    command->add_option("NAME[@VERSION]", options->name, "The policy; without a version, the latest")->required();
    AddSourceOptions(*command, options->connection);
    AddJsonFlag(*command, options->json);
  }
}

}  // namespace understudy
