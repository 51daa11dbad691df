#include "common/security/peer_role.h"

#include <array>
#include <initializer_list>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace understudy {
namespace {

constexpr std::array<std::string_view, 5> kNames = {"actor", "learner", "coordinator", "client", "admin"};

struct Rule {
  std::string_view method;
  std::initializer_list<PeerRole> allowed;
};

constexpr PeerRole kActor = PeerRole::kActor;
constexpr PeerRole kLearner = PeerRole::kLearner;
constexpr PeerRole kClient = PeerRole::kClient;
constexpr PeerRole kAdmin = PeerRole::kAdmin;

const std::initializer_list<Rule> kRules = {
    // Workers.Attach looks itself at the kind of worker that the hello claims.
    {"/understudy.v1.Workers/Attach", {kActor, kLearner}},
    {"/understudy.v1.Workers/ReportProgress", {kLearner}},
    {"/understudy.v1.Workers/FinishStage", {kLearner}},
    {"/understudy.v1.Workers/List", {kClient, kAdmin}},
    {"/understudy.v1.Rollouts/RollOut", {kActor}},
    {"/understudy.v1.Ranks/Join", {kLearner}},
    {"/understudy.v1.Checkpoints/Save", {kLearner}},
    {"/understudy.v1.Checkpoints/Load", {kLearner}},
    {"/understudy.v1.Policies/Publish", {kLearner}},
    {"/understudy.v1.Policies/Download", {kLearner, kClient, kAdmin}},
    {"/understudy.v1.Policies/Get", {kLearner, kClient, kAdmin}},
    {"/understudy.v1.Policies/List", {kClient, kAdmin}},
    {"/understudy.v1.Policies/Delete", {kAdmin}},
    {"/understudy.v1.Datasets/Read", {kLearner, kClient, kAdmin}},
    {"/understudy.v1.Datasets/Get", {kLearner, kClient, kAdmin}},
    {"/understudy.v1.Datasets/List", {kClient, kAdmin}},
    {"/understudy.v1.Datasets/Digest", {kClient, kAdmin}},
    {"/understudy.v1.Datasets/Verify", {kClient, kAdmin}},
    {"/understudy.v1.Datasets/Finish", {kAdmin}},
    {"/understudy.v1.Datasets/Delete", {kAdmin}},
    {"/understudy.v1.Experiments/Submit", {kClient, kAdmin}},
    {"/understudy.v1.Experiments/Get", {kClient, kAdmin}},
    {"/understudy.v1.Experiments/List", {kClient, kAdmin}},
    {"/understudy.v1.Experiments/Watch", {kClient, kAdmin}},
    {"/understudy.v1.Experiments/Cancel", {kClient, kAdmin}},
    {"/understudy.v1.Experiments/Pause", {kClient, kAdmin}},
    {"/understudy.v1.Experiments/Resume", {kClient, kAdmin}},
    {"/understudy.v1.Experiments/ListMetrics", {kClient, kAdmin}},
    {"/understudy.v1.Experiments/Delete", {kAdmin}},
    {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", {kClient, kAdmin}},
};
// They say whether a server works, and nothing else.
constexpr std::string_view kHealth = "/grpc.health.v1.Health/";

PeerRoles MakeRoles(std::initializer_list<PeerRole> allowed) {
  PeerRoles roles;
  for (const PeerRole role : allowed) roles.Add(role);
  return roles;
}

absl::string_view Abseil(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

std::string_view PeerRoleName(PeerRole role) { return kNames[static_cast<size_t>(role)]; }

std::optional<PeerRole> ParsePeerRole(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<PeerRole>(i);
  }
  return std::nullopt;
}

std::string PeerRoles::Text(std::string_view conjunction) const {
  std::string text;
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (Has(static_cast<PeerRole>(i)))
      absl::StrAppend(&text, text.empty() ? "" : absl::StrCat(" ", Abseil(conjunction), " "), Abseil(kNames[i]));
  }
  return text.empty() ? "none" : text;
}

absl::Status CheckMayCall(const PeerRoles& roles, std::string_view method) {
  if (method.substr(0, kHealth.size()) == kHealth) return absl::OkStatus();
  if (roles.empty()) {
    return absl::UnauthenticatedError(
        "the caller has no role: expected a certificate with one, or a token that is known");
  }
  for (const Rule& rule : kRules) {
    if (rule.method != method) continue;
    for (const PeerRole role : rule.allowed) {
      if (roles.Has(role)) return absl::OkStatus();
    }
    return absl::PermissionDeniedError(absl::StrCat(Abseil(method), " is for role ", MakeRoles(rule.allowed).Text("or"),
                                                    "; the caller has ", roles.Text("and")));
  }
  return absl::PermissionDeniedError("there is no such method");
}

}  // namespace understudy
