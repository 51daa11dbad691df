#include "cli/catalogue_json.h"

#include "cli/accounting_json.h"
#include "cli/catalogue_report.h"
#include "cli/number_format.h"
#include "common/environment/spaces.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {
namespace {

using Json = nlohmann::ordered_json;

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

}  // namespace

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
