#include "cli/experiment_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "cli/number_format.h"
#include "cli/table.h"
#include "common/config/experiment_validation.h"
#include "common/process/text.h"
#include "common/snapshot/policy_snapshot.h"

namespace understudy {
namespace {

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

}  // namespace

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

}  // namespace understudy
