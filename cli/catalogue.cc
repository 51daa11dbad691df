#include "cli/catalogue.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "cli/experiment_report.h"
#include "cli/table.h"
#include "common/environment/spaces.h"
#include "common/process/text.h"
#include "common/snapshot/checksum.h"

namespace understudy {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDigestPrefix = 12;

std::string LowerWithout(const char* prefix, const std::string& name) {
  return absl::AsciiStrToLower(absl::StripPrefix(name, prefix));
}

// As experiment files do: "sample", "greedy".
std::string ActionModeName(v1::ActionMode mode) { return LowerWithout("ACTION_MODE_", v1::ActionMode_Name(mode)); }

// As experiment files do: "logits", "value".
std::vector<std::string> RecordNames(const v1::DatasetRecipe& recipe) {
  std::vector<std::string> names;
  for (const int record : recipe.record()) {
    names.push_back(LowerWithout("RECORD_", v1::Record_Name(static_cast<v1::Record>(record))));
  }
  return names;
}

std::string WorkerKindName(v1::WorkerKind kind) { return LowerWithout("WORKER_KIND_", v1::WorkerKind_Name(kind)); }

std::string PolicyName(const v1::PolicyHeader& header) { return absl::StrCat(header.name(), "@", header.version()); }

std::string Origin(const std::string& experiment, int stage) {
  return experiment.empty() ? "" : absl::StrCat("stage ", stage + 1, " of experiment ", experiment);
}

std::string Network(const v1::NetworkSpec& network) {
  return absl::StrCat(network.type(), " ", absl::StrJoin(network.hidden_sizes(), "-"), " ", network.activation(), " ",
                      network.trunk());
}

Json NetworkJson(const v1::NetworkSpec& network) {
  return {{"type", network.type()},
          {"hidden_sizes", std::vector<int32_t>(network.hidden_sizes().begin(), network.hidden_sizes().end())},
          {"activation", network.activation()},
          {"trunk", network.trunk()}};
}

Json RecipeJson(const v1::DatasetRecipe& recipe) {
  Json json = {{"environment", recipe.environment().name()},
               {"observation_space", SpaceText(recipe.environment().observation_space())},
               {"action_space", SpaceText(recipe.environment().action_space())},
               {"policy", recipe.policy().name()},
               {"policy_version", recipe.policy().version()},
               {"policy_digest", ToHex(recipe.policy().digest())},
               {"actions", ActionModeName(recipe.action_mode())},
               {"seed", recipe.seed()},
               {"record", RecordNames(recipe)}};
  if (recipe.transitions() > 0) json["transitions"] = recipe.transitions();
  if (recipe.episodes() > 0) json["episodes"] = recipe.episodes();
  return json;
}

// The stage that a worker is assigned to; nullptr: it is idle.
const v1::StageKey* AssignedStage(const v1::Assignment& assignment) {
  if (assignment.has_actor()) return &assignment.actor().stage();
  if (assignment.has_learner()) return &assignment.learner().stage();
  return nullptr;
}

// A learner's rank among the learners of its stage; nullopt: the worker is no learner of a stage that has several.
std::optional<int> AssignedRank(const v1::Assignment& assignment) {
  if (assignment.learner().train().learners() <= 1) return std::nullopt;
  return assignment.learner().rank();
}

std::string WorkText(const v1::Assignment& assignment) {
  const v1::StageKey* stage = AssignedStage(assignment);
  if (stage == nullptr) return "idle";
  const std::optional<int> rank = AssignedRank(assignment);
  return absl::StrCat(stage->experiment_id(), " stage ", stage->stage() + 1, rank ? absl::StrCat(" rank ", *rank) : "");
}

std::string MeanReturn(const v1::Dataset& dataset) { return absl::StrFormat("%.1f", dataset.mean_return()); }

}  // namespace

std::string FormatDatasets(const std::vector<v1::Dataset>& datasets) {
  std::vector<std::vector<std::string>> rows = {
      {"dataset", "environment", "policy", ">episodes", ">transitions", ">return", "digest"}};
  for (const v1::Dataset& dataset : datasets) {
    rows.push_back({dataset.name(), dataset.recipe().environment().name(), PolicyName(dataset.recipe().policy()),
                    CountText(dataset.episodes()), CountText(dataset.transitions()), MeanReturn(dataset),
                    dataset.complete() ? ToHex(dataset.digest()).substr(0, kDigestPrefix) : "incomplete"});
  }
  return FormatTable(std::move(rows));
}

std::string FormatDataset(const v1::Dataset& dataset) {
  const v1::DatasetRecipe& recipe = dataset.recipe();
  return FormatFields({{"dataset", dataset.name()},
                       {"complete", dataset.complete() ? "yes" : absl::StrCat("no, ", ProgressText(dataset))},
                       {"episodes", CountText(dataset.episodes())},
                       {"transitions", CountText(dataset.transitions())},
                       {"mean return", MeanReturn(dataset)},
                       {"digest", ToHex(dataset.digest())},
                       {"environment", recipe.environment().name()},
                       {"observations", SpaceText(recipe.environment().observation_space())},
                       {"actions", absl::StrCat(SpaceText(recipe.environment().action_space()), ", ",
                                                ActionModeName(recipe.action_mode()))},
                       {"policy", PolicyName(recipe.policy())},
                       {"policy digest", ToHex(recipe.policy().digest())},
                       {"seed", absl::StrCat(recipe.seed())},
                       {"also recorded", absl::StrJoin(RecordNames(recipe), ", ")},
                       {"experiment", dataset.experiment_id()},
                       {"created", TimeText(dataset.created_unix_ms())},
                       {"stored", BytesText(dataset.stored_bytes())}});
}

std::string ProgressText(const v1::Dataset& dataset) {
  const v1::DatasetRecipe& recipe = dataset.recipe();
  return recipe.transitions() > 0
             ? absl::StrCat(CountText(dataset.transitions()), " of ", CountText(recipe.transitions()), " transitions")
             : absl::StrCat(CountText(dataset.episodes()), " of ", CountText(recipe.episodes()), " episodes");
}

Json DatasetJson(const v1::Dataset& dataset) {
  Json json = {{"name", dataset.name()},
               {"complete", dataset.complete()},
               {"episodes", dataset.episodes()},
               {"transitions", dataset.transitions()},
               {"mean_return", dataset.mean_return()}};
  if (!dataset.digest().empty()) json["digest"] = ToHex(dataset.digest());
  json["recipe"] = RecipeJson(dataset.recipe());
  json["experiment_id"] = dataset.experiment_id();
  json["created"] = TimeText(dataset.created_unix_ms());
  json["stored_bytes"] = dataset.stored_bytes();
  return json;
}

void AddCompleteness(const v1::Dataset& dataset, Json& json) {
  json["complete"] = dataset.complete();
  if (dataset.complete()) return;
  const bool transitions = dataset.recipe().transitions() > 0;
  json["incomplete"] = {{"found", transitions ? dataset.transitions() : dataset.episodes()},
                        {"expected", transitions ? dataset.recipe().transitions() : dataset.recipe().episodes()},
                        {"unit", transitions ? "transitions" : "episodes"}};
}

std::string FormatPolicies(const std::vector<v1::StoredPolicy>& policies) {
  std::vector<std::vector<std::string>> rows = {
      {"policy", "environment", "network", ">parameters", "digest", "created"}};
  for (const v1::StoredPolicy& policy : policies) {
    rows.push_back({PolicyName(policy.header()), policy.header().environment(), Network(policy.header().network()),
                    CountText(policy.header().parameter_count()),
                    ToHex(policy.header().digest()).substr(0, kDigestPrefix), TimeText(policy.created_unix_ms())});
  }
  return FormatTable(std::move(rows));
}

std::string FormatPolicy(const v1::StoredPolicy& policy) {
  const v1::PolicyHeader& header = policy.header();
  return FormatFields({{"policy", PolicyName(header)},
                       {"digest", ToHex(header.digest())},
                       {"network", Network(header.network())},
                       {"parameters", CountText(header.parameter_count())},
                       {"environment", header.environment()},
                       {"observations", SpaceText(header.observation_space())},
                       {"actions", SpaceText(header.action_space())},
                       {"fingerprint", ToHex(header.fingerprint())},
                       {"origin", Origin(policy.experiment_id(), policy.stage())},
                       {"created", TimeText(policy.created_unix_ms())}});
}

Json PolicyJson(const v1::StoredPolicy& policy) {
  const v1::PolicyHeader& header = policy.header();
  return {{"name", header.name()},
          {"version", header.version()},
          {"digest", ToHex(header.digest())},
          {"fingerprint", ToHex(header.fingerprint())},
          {"environment", header.environment()},
          {"observation_space", SpaceText(header.observation_space())},
          {"action_space", SpaceText(header.action_space())},
          {"network", NetworkJson(header.network())},
          {"parameters", header.parameter_count()},
          {"experiment_id", policy.experiment_id()},
          {"stage", policy.stage() + 1},
          {"created", TimeText(policy.created_unix_ms())}};
}

std::string FormatWorkers(const std::vector<v1::Worker>& workers) {
  std::vector<std::vector<std::string>> rows = {{"worker", "kind", "host", ">pid", "works on", ">steps", ">silent"}};
  for (const v1::Worker& worker : workers) {
    rows.push_back({worker.hello().worker_id(), WorkerKindName(worker.hello().kind()), worker.hello().host(),
                    absl::StrCat(worker.hello().pid()), WorkText(worker.assignment()),
                    CountText(worker.heartbeat().steps_produced()),
                    DurationText(absl::Milliseconds(worker.silent_ms()))});
  }
  std::string text = FormatTable(std::move(rows));
  for (const v1::Worker& worker : workers) {
    if (worker.heartbeat().unreachable().empty()) continue;
    absl::StrAppend(&text, worker.hello().worker_id(), " cannot reach a learner: ", worker.heartbeat().unreachable(),
                    "\n");
  }
  return text;
}

Json WorkerJson(const v1::Worker& worker) {
  Json json = {{"id", worker.hello().worker_id()},
               {"kind", WorkerKindName(worker.hello().kind())},
               {"host", worker.hello().host()},
               {"pid", worker.hello().pid()}};
  if (!worker.hello().rollouts_address().empty()) json["rollouts_address"] = worker.hello().rollouts_address();
  if (const v1::StageKey* stage = AssignedStage(worker.assignment()); stage != nullptr) {
    json["experiment_id"] = stage->experiment_id();
    json["stage"] = stage->stage() + 1;
    if (const std::optional<int> rank = AssignedRank(worker.assignment())) json["rank"] = *rank;
  }
  json["epoch"] = worker.assignment().epoch();
  const v1::WorkerHeartbeat& heartbeat = worker.heartbeat();
  json["steps_produced"] = heartbeat.steps_produced();
  json["trajectories"] = AccountingJson(heartbeat.trajectories());
  if (!heartbeat.unreachable().empty()) json["unreachable"] = heartbeat.unreachable();
  json["silent_ms"] = worker.silent_ms();
  return json;
}

}  // namespace understudy
