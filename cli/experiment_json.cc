#include "cli/experiment_json.h"

#include "cli/accounting_json.h"
#include "cli/number_format.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {
namespace {

using Json = nlohmann::ordered_json;

void AddWallSeconds(int64_t begin_unix_ms, int64_t end_unix_ms, Json& json) {
  if (begin_unix_ms == 0 || end_unix_ms == 0) return;
  json["wall_seconds"] = static_cast<double>(end_unix_ms - begin_unix_ms) / 1000;
}

void AddResult(const v1::TrainResult& result, Json& json) {
  json["policy"] = result.policy();
  json["policy_version"] = result.policy_version();
  json["policy_digest"] = ToHex(result.policy_digest());
  json["converged"] = result.converged();
  json["environment_steps"] = result.environment_steps();
  if (result.requested_steps() > 0) json["requested_steps"] = result.requested_steps();
  if (result.evaluation_episodes() > 0) json["mean_return"] = result.mean_return();
  json["evaluation_episodes"] = result.evaluation_episodes();
  json["updates"] = result.updates();
  json["iterations"] = result.iterations();
  if (result.has_train_loss()) json["train_loss"] = result.train_loss();
  if (result.has_validation_loss()) json["validation_loss"] = result.validation_loss();
  if (result.has_train_accuracy()) json["train_accuracy"] = result.train_accuracy();
  if (result.has_validation_accuracy()) json["validation_accuracy"] = result.validation_accuracy();
}

void AddResult(const v1::CollectResult& result, Json& json) {
  json["dataset"] = result.dataset();
  json["episodes"] = result.episodes();
  json["transitions"] = result.transitions();
  json["mean_return"] = result.mean_return();
  json["digest"] = ToHex(result.digest());
  json["policy"] = result.policy();
  json["policy_version"] = result.policy_version();
}

void AddResult(const v1::EvaluateResult& result, Json& json) {
  json["policy"] = result.policy();
  json["policy_version"] = result.policy_version();
  json["episodes"] = result.episodes();
  json["mean_return"] = result.mean_return();
  json["std_return"] = result.std_return();
  json["min_return"] = result.min_return();
  json["max_return"] = result.max_return();
}

Json ProgressJson(const v1::StageProgress& progress) {
  Json json = {{"iteration", progress.iteration()},
               {"done", progress.done()},
               {"total", progress.total()},
               {"unit", progress.unit()},
               {"steps", progress.steps()}};
  const std::map<std::string, double> by_name(progress.metrics().begin(), progress.metrics().end());
  json["metrics"] = by_name;
  return json;
}

Json StageJson(const v1::StageState& stage) {
  Json json = {{"name", stage.name()}, {"kind", stage.kind()}, {"status", StatusName(stage.status())}};
  AddWallSeconds(stage.started_unix_ms(), stage.finished_unix_ms(), json);
  if (!stage.error().empty()) json["error"] = stage.error();
  if (!stage.algorithm().empty()) json["algorithm"] = stage.algorithm();
  const bool unfinished = stage.status() == v1::STATUS_RUNNING || stage.status() == v1::STATUS_PAUSED;
  if (unfinished && stage.has_progress()) json["progress"] = ProgressJson(stage.progress());
  if (!stage.waiting_for().empty()) json["waiting_for"] = stage.waiting_for();
  if (stage.has_trajectories()) json["trajectories"] = AccountingJson(stage.trajectories());
  switch (stage.result_case()) {
    case v1::StageState::kTrain:
      AddResult(stage.train(), json);
      break;
    case v1::StageState::kCollect:
      AddResult(stage.collect(), json);
      break;
    case v1::StageState::kEvaluate:
      AddResult(stage.evaluate(), json);
      break;
    case v1::StageState::RESULT_NOT_SET:
      break;
  }
  return json;
}

}  // namespace

Json ExperimentJson(const v1::Experiment& experiment) {
  Json json = {
      {"id", experiment.id()}, {"experiment", experiment.spec().name()}, {"status", StatusName(experiment.status())}};
  AddWallSeconds(experiment.submitted_unix_ms(), experiment.finished_unix_ms(), json);
  if (!experiment.error().empty()) json["error"] = experiment.error();
  json["stages"] = Json::array();
  for (const v1::StageState& stage : experiment.stages()) json["stages"].push_back(StageJson(stage));
  return json;
}

}  // namespace understudy
