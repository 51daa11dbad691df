#include "cli/experiment_report.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "cli/table.h"
#include "common/config/experiment_validation.h"
#include "common/process/text.h"
#include "common/snapshot/checksum.h"

namespace understudy {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kDigestPrefix = 12;

std::string Duration(int64_t begin_unix_ms, int64_t end_unix_ms) {
  if (begin_unix_ms == 0 || end_unix_ms == 0) return "";
  return DurationText(absl::Milliseconds(end_unix_ms - begin_unix_ms));
}

std::string Outcome(const v1::TrainResult& result) {
  std::string text;
  if (result.evaluation_episodes() > 0) {
    text = absl::StrFormat("mean return %.1f, %s, ", result.mean_return(),
                           result.converged() ? "converged" : "not converged");
  }
  if (result.has_validation_accuracy()) {
    absl::StrAppendFormat(&text, "accuracy %.1f %%", 100 * result.validation_accuracy());
  } else if (result.has_train_loss()) {
    absl::StrAppendFormat(&text, "loss %.4g", result.train_loss());
  } else {
    const bool cut = !result.converged() && result.environment_steps() < result.requested_steps();
    absl::StrAppend(&text, cut ? absl::StrCat(CountText(result.environment_steps()), " of ",
                                              CountText(result.requested_steps(), "step"))
                               : CountText(result.environment_steps(), "step"));
  }
  return text;
}

std::string Outcome(const v1::CollectResult& result) {
  return absl::StrCat(CountText(result.transitions(), "transition"), ", ", CountText(result.episodes(), "episode"),
                      ", ", ToHex(result.digest()).substr(0, kDigestPrefix));
}

std::string Outcome(const v1::EvaluateResult& result) {
  return absl::StrFormat("mean return %.1f ± %.1f over %s", result.mean_return(), result.std_return(),
                         CountText(result.episodes(), "episode"));
}

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

std::string StatusName(v1::Status status) { return std::string(absl::StripPrefix(v1::Status_Name(status), "STATUS_")); }

bool HasEnded(v1::Status status) {
  return status == v1::STATUS_SUCCEEDED || status == v1::STATUS_FAILED || status == v1::STATUS_CANCELLED;
}

absl::Status ExperimentStatus(const v1::Experiment& experiment) {
  if (experiment.status() == v1::STATUS_SUCCEEDED) return absl::OkStatus();
  std::string why = experiment.error();
  if (experiment.status() == v1::STATUS_PAUSED) {
    why = absl::StrCat("'understudy experiments resume ", experiment.id(), "' goes on with it");
  }
  for (int i = 0; i < experiment.stages_size(); ++i) {
    const v1::StageState& stage = experiment.stages(i);
    if (stage.error().empty()) continue;
    why = absl::StrCat("stage ", i + 1, " (", stage.kind(), " ", stage.name(), "): ", stage.error());
    break;
  }
  return absl::AbortedError(absl::StrCat("experiment ", experiment.spec().name(), " ", StatusName(experiment.status()),
                                         why.empty() ? "" : ": ", why));
}

std::string StageOutcome(const v1::StageState& stage) {
  if (!stage.error().empty()) return stage.error();
  switch (stage.result_case()) {
    case v1::StageState::kTrain:
      return Outcome(stage.train());
    case v1::StageState::kCollect:
      return Outcome(stage.collect());
    case v1::StageState::kEvaluate:
      return Outcome(stage.evaluate());
    case v1::StageState::RESULT_NOT_SET:
      break;
  }
  if (stage.status() == v1::STATUS_PAUSED && stage.progress().total() > 0) {
    return absl::StrCat("at ", CountText(stage.progress().done()), " of ", CountText(stage.progress().total()), " ",
                        stage.progress().unit());
  }
  const bool waits = stage.status() == v1::STATUS_RUNNING && !stage.waiting_for().empty();
  return waits ? absl::StrCat("waiting for ", stage.waiting_for()) : "";
}

std::string FormatRemainders(const v1::ExperimentSpec& spec) {
  std::string text;
  for (const Violation& remainder : FindRemainders(spec)) {
    absl::StrAppend(&text, "understudy: ", remainder.path, ": ", remainder.message, "\n");
  }
  return text;
}

std::string FormatExperiment(const v1::Experiment& experiment) {
  const std::string duration = Duration(experiment.submitted_unix_ms(), experiment.finished_unix_ms());
  std::string text =
      absl::StrCat("experiment ", experiment.spec().name(), " (", experiment.id(),
                   "): ", StatusName(experiment.status()), duration.empty() ? "" : " in ", duration, "\n\n");
  std::vector<std::vector<std::string>> rows = {{"stage", "kind", "status", "outcome", ">time"}};
  for (const v1::StageState& stage : experiment.stages()) {
    rows.push_back({stage.name(), stage.algorithm().empty() ? stage.kind() : stage.algorithm(),
                    StatusName(stage.status()), StageOutcome(stage),
                    Duration(stage.started_unix_ms(), stage.finished_unix_ms())});
  }
  absl::StrAppend(&text, FormatTable(std::move(rows)));
  // What does not fit into the table, such as why something is waited for or has failed, is what matters most.
  std::vector<std::pair<std::string, std::string>> clipped;
  for (const v1::StageState& stage : experiment.stages()) {
    const std::string outcome = StageOutcome(stage);
    if (text.find(outcome) == std::string::npos) clipped.emplace_back(stage.name(), outcome);
  }
  return clipped.empty() ? text : absl::StrCat(text, "\n", FormatFields(clipped));
}

std::string FormatExperiments(const std::vector<v1::Experiment>& experiments) {
  std::vector<std::vector<std::string>> rows = {{"id", "experiment", "status", "stages", "submitted", ">time"}};
  for (const v1::Experiment& experiment : experiments) {
    const auto done = std::count_if(experiment.stages().begin(), experiment.stages().end(),
                                    [](const v1::StageState& stage) { return stage.status() == v1::STATUS_SUCCEEDED; });
    rows.push_back({experiment.id(), experiment.spec().name(), StatusName(experiment.status()),
                    absl::StrCat(done, "/", experiment.stages_size()), TimeText(experiment.submitted_unix_ms()),
                    Duration(experiment.submitted_unix_ms(), experiment.finished_unix_ms())});
  }
  return FormatTable(std::move(rows));
}

Json ExperimentJson(const v1::Experiment& experiment) {
  Json json = {
      {"id", experiment.id()}, {"experiment", experiment.spec().name()}, {"status", StatusName(experiment.status())}};
  AddWallSeconds(experiment.submitted_unix_ms(), experiment.finished_unix_ms(), json);
  if (!experiment.error().empty()) json["error"] = experiment.error();
  json["stages"] = Json::array();
  for (const v1::StageState& stage : experiment.stages()) json["stages"].push_back(StageJson(stage));
  return json;
}

Json AccountingJson(const v1::TrajectoryAccounting& accounting) {
  const std::map<std::string, int64_t> rejected(accounting.rejected().begin(), accounting.rejected().end());
  int64_t total = 0;
  for (const auto& [reason, count] : rejected) total += count;
  return {
      {"produced", accounting.produced()}, {"accepted", accounting.accepted()}, {"rejected", total},
      {"rejected_by_reason", rejected},    {"lost", accounting.lost()},         {"in_flight", accounting.in_flight()}};
}

}  // namespace understudy
