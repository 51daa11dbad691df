#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/catalogue.h"
#include "cli/commands.h"
#include "common/process/text.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {
namespace {

absl::StatusOr<int> List(const ListOptions& options, const Console& console) {
  return PrintList(options, console, "policies", &v1::Policies::Stub::List, &Connection::policies,
                   v1::ListPoliciesRequest(), &v1::ListPoliciesResponse::mutable_policies, PolicyJson, FormatPolicies);
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

struct DeleteOptions : ClientOptions {
  absl::Duration older_than;
};

absl::StatusOr<int64_t> DeleteVersions(Connection& connection, const std::string& name, int64_t version) {
  v1::DeletePolicyRequest request;
  request.set_name(name);
  request.set_version(version);
  const auto response = connection.Patient(&v1::Policies::Stub::Delete, connection.policies(), request);
  if (!response.ok()) return response.status();
  return response->versions();
}

void PrintDeleted(int64_t count, const DeleteOptions& options, const Console& console) {
  if (options.json) {
    PrintJson({{"deleted", count}}, console);
  } else {
    console.out << "deleted " << CountText(count) << (count == 1 ? " policy version\n" : " policy versions\n");
  }
}

absl::StatusOr<int> Delete(const DeleteOptions& options, const Console& console) {
  const absl::StatusOr<PolicyReference> reference = ParsePolicyReference(options.name);
  if (!reference.ok()) return reference.status();
  const auto connection = Connection::Open(options.connection, Access::kWrite);
  if (!connection.ok()) return connection.status();
  const absl::StatusOr<int64_t> deleted = DeleteVersions(**connection, reference->name, reference->version);
  if (!deleted.ok()) return deleted.status();
  PrintDeleted(*deleted, options, console);
  return 0;
}

// The versions that are old and not the latest of their names, which come last in the list.
absl::StatusOr<std::vector<PolicyReference>> FindOldVersions(Connection& connection, int64_t made_before_unix_ms) {
  std::vector<PolicyReference> old;
  std::optional<v1::StoredPolicy> last;
  const absl::Status status =
      ReadList(connection, &v1::Policies::Stub::List, connection.policies(), v1::ListPoliciesRequest(),
               &v1::ListPoliciesResponse::mutable_policies, [&](v1::StoredPolicy policy) {
                 const bool superseded = last && last->header().name() == policy.header().name();
                 if (superseded && last->created_unix_ms() <= made_before_unix_ms) {
                   old.push_back({.name = last->header().name(), .version = last->header().version()});
                 }
                 last = std::move(policy);
                 return true;
               });
  if (!status.ok()) return status;
  return old;
}

absl::StatusOr<int> Prune(const DeleteOptions& options, const Console& console) {
  const auto connection = Connection::Open(options.connection, Access::kWrite);
  if (!connection.ok()) return connection.status();
  const auto old = FindOldVersions(**connection, absl::ToUnixMillis(absl::Now() - options.older_than));
  if (!old.ok()) return old.status();
  int64_t deleted = 0;
  for (const PolicyReference& policy : *old) {
    const absl::StatusOr<int64_t> versions = DeleteVersions(**connection, policy.name, policy.version);
    const bool used_or_gone = absl::IsFailedPrecondition(versions.status()) || absl::IsNotFound(versions.status());
    if (!versions.ok() && !used_or_gone) return versions.status();
    deleted += versions.value_or(0);
  }
  PrintDeleted(deleted, options, console);
  return 0;
}

}  // namespace

void AddPolicyCommands(CLI::App& app, Action& action) {
  CLI::App& group = AddGroup(app, "policies", "See and delete the stored policies",
                             "understudy policies show expert@1 --data_dir demonstrations");
  {
    const auto [command, options] =
        AddCommand<ListOptions>(group, action, "list", "List all versions of all policies, by name",
                                "understudy policies list --data_dir demonstrations", List);
    AddSourceOptions(*command, options->connection);
    AddListOptions(*command, *options);
  }
  {
    const auto [command, options] =
        AddCommand<ClientOptions>(group, action, "show", "Show a policy: its network, spaces, digest and origin",
                                  "understudy policies show expert@1 --data_dir demonstrations", Show);
    AddText(*command, "NAME[@VERSION]", options->name, "The policy; without a version, the latest", {.required = true});
    AddSourceOptions(*command, options->connection);
    AddJsonFlag(*command, options->json);
  }
  {
    const auto [command, options] =
        AddCommand<DeleteOptions>(group, action, "delete", "Delete a version of a policy, or all of its versions",
                                  "understudy policies delete expert@1 --data_dir demonstrations", Delete);
    AddText(*command, "NAME[@VERSION]", options->name, "The policy; without a version, all of them",
            {.required = true});
    AddSourceOptions(*command, options->connection);
    AddJsonFlag(*command, options->json);
  }
  {
    const auto [command, options] =
        AddCommand<DeleteOptions>(group, action, "prune",
                                  "Delete policy versions made some time ago. The latest version of each name stays, "
                                  "and so does what an unfinished experiment uses",
                                  "understudy policies prune --older_than 30d", Prune);
    AddOlderThanOption(*command, options->older_than);
    AddSourceOptions(*command, options->connection);
    AddJsonFlag(*command, options->json);
  }
}

}  // namespace understudy
