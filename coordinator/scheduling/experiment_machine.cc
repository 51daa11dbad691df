#include "coordinator/scheduling/experiment_machine.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/process/text.h"

namespace understudy {
namespace {

v1::StageState NewStage(const v1::StageSpec& spec) {
  v1::StageState state;
  state.set_status(v1::STATUS_PENDING);
  switch (spec.kind_case()) {
    case v1::StageSpec::kTrain:
      state.set_kind("train");
      state.set_name(spec.train().policy());
      state.set_algorithm(spec.train().algorithm());
      break;
    case v1::StageSpec::kCollect:
      state.set_kind("collect");
      state.set_name(spec.collect().dataset());
      break;
    case v1::StageSpec::kEvaluate:
      state.set_kind("evaluate");
      state.set_name(spec.evaluate().policy());
      break;
    case v1::StageSpec::KIND_NOT_SET:
      break;
  }
  return state;
}

void End(v1::StageState& stage, v1::Status status, absl::Time now) {
  stage.set_status(status);
  stage.set_finished_unix_ms(absl::ToUnixMillis(now));
  stage.set_workers(0);
}

// Ends the experiment; stages that have not finished are cancelled with it.
void End(v1::Experiment& experiment, v1::Status status, absl::Time now) {
  for (v1::StageState& stage : *experiment.mutable_stages()) {
    if (!IsFinished(stage.status())) End(stage, v1::STATUS_CANCELLED, now);
  }
  experiment.set_status(status);
  experiment.set_finished_unix_ms(absl::ToUnixMillis(now));
}

// Why a result is not good enough for its stage; empty: it is.
std::string Shortfall(const v1::StageSpec& spec, const v1::StageState& stage) {
  if (spec.train().require() == "converged" && !stage.train().converged()) {
    return absl::StrFormat("not converged: mean return %g over %s, required %g", stage.train().mean_return(),
                           CountText(stage.train().evaluation_episodes(), "episode"),
                           spec.train().stop().mean_return());
  }
  if (spec.evaluate().has_minimum_mean_return() &&
      !(stage.evaluate().mean_return() >= spec.evaluate().minimum_mean_return())) {
    return absl::StrFormat("mean return %g over %s is below minimum_mean_return %g", stage.evaluate().mean_return(),
                           CountText(stage.evaluate().episodes(), "episode"), spec.evaluate().minimum_mean_return());
  }
  return "";
}

struct ResultSetter {
  v1::StageState& stage;
  void operator()(v1::TrainResult& result) const { *stage.mutable_train() = std::move(result); }
  void operator()(v1::CollectResult& result) const { *stage.mutable_collect() = std::move(result); }
  void operator()(v1::EvaluateResult& result) const { *stage.mutable_evaluate() = std::move(result); }
};

}  // namespace

v1::Experiment NewExperiment(std::string id, v1::ExperimentSpec spec,
                             const std::vector<std::optional<PolicyReference>>& policies, absl::Time now) {
  v1::Experiment experiment;
  experiment.set_id(std::move(id));
  experiment.set_status(v1::STATUS_PENDING);
  experiment.set_submitted_unix_ms(absl::ToUnixMillis(now));
  for (const v1::StageSpec& stage : spec.stages()) *experiment.add_stages() = NewStage(stage);
  for (size_t i = 0; i < policies.size(); ++i) {
    if (!policies[i]) continue;
    v1::PolicyVersion& uses = *experiment.mutable_stages(static_cast<int>(i))->mutable_uses();
    uses.set_name(policies[i]->name);
    uses.set_version(policies[i]->version);
  }
  *experiment.mutable_spec() = std::move(spec);
  return experiment;
}

bool IsFinished(v1::Status status) {
  return status == v1::STATUS_SUCCEEDED || status == v1::STATUS_FAILED || status == v1::STATUS_CANCELLED;
}

bool IsAtRest(v1::Status status) { return IsFinished(status) || status == v1::STATUS_PAUSED; }

std::optional<int> RunningStage(const v1::Experiment& experiment) {
  for (int i = 0; i < experiment.stages_size(); ++i) {
    if (experiment.stages(i).status() == v1::STATUS_RUNNING) return i;
  }
  return std::nullopt;
}

bool HasFinished(const v1::Experiment& experiment, const v1::StageKey& key) {
  if (key.stage() < 0 || key.stage() >= experiment.stages_size()) return false;
  const v1::StageState& stage = experiment.stages(key.stage());
  const bool ended = stage.status() == v1::STATUS_SUCCEEDED || stage.status() == v1::STATUS_FAILED;
  return ended && key.epoch() != 0 && stage.grant().epoch() == key.epoch() && experiment.id() == key.experiment_id();
}

std::optional<int> StartNextStage(v1::Experiment& experiment, absl::Time now) {
  if (IsAtRest(experiment.status()) || RunningStage(experiment)) return std::nullopt;
  for (int i = 0; i < experiment.stages_size(); ++i) {
    v1::StageState& stage = *experiment.mutable_stages(i);
    if (stage.status() != v1::STATUS_PENDING) continue;
    stage.set_status(v1::STATUS_RUNNING);
    stage.set_started_unix_ms(absl::ToUnixMillis(now));
    experiment.set_status(v1::STATUS_RUNNING);
    return i;
  }
  return std::nullopt;
}

void FinishStage(v1::Experiment& experiment, StageResult result, absl::Time now) {
  const std::optional<int> running = RunningStage(experiment);
  if (!running) return;
  v1::StageState& stage = *experiment.mutable_stages(*running);
  std::visit(ResultSetter{stage}, result);
  const std::string shortfall = Shortfall(experiment.spec().stages(*running), stage);
  if (!shortfall.empty()) {
    FailStage(experiment, shortfall, now);
    return;
  }
  End(stage, v1::STATUS_SUCCEEDED, now);
  if (*running + 1 == experiment.stages_size()) End(experiment, v1::STATUS_SUCCEEDED, now);
}

void FailStage(v1::Experiment& experiment, const std::string& error, absl::Time now) {
  const std::optional<int> running = RunningStage(experiment);
  if (!running) return;
  v1::StageState& stage = *experiment.mutable_stages(*running);
  stage.set_error(error);
  End(stage, v1::STATUS_FAILED, now);
  experiment.set_error(absl::StrCat(StageLabel(experiment, *running), ": ", error));
  End(experiment, v1::STATUS_FAILED, now);
}

void CancelExperiment(v1::Experiment& experiment, absl::Time now) {
  if (!IsFinished(experiment.status())) End(experiment, v1::STATUS_CANCELLED, now);
}

void PauseExperiment(v1::Experiment& experiment) {
  if (IsAtRest(experiment.status())) return;
  if (const std::optional<int> running = RunningStage(experiment)) {
    v1::StageState& stage = *experiment.mutable_stages(*running);
    stage.set_status(v1::STATUS_PAUSED);
    stage.set_workers(0);
  }
  experiment.set_status(v1::STATUS_PAUSED);
}

void ReopenExperiment(v1::Experiment& experiment) {
  if (!IsAtRest(experiment.status()) || experiment.status() == v1::STATUS_SUCCEEDED) return;
  for (v1::StageState& stage : *experiment.mutable_stages()) {
    if (stage.status() == v1::STATUS_SUCCEEDED) continue;
    stage.set_status(v1::STATUS_PENDING);
    stage.clear_started_unix_ms();
    stage.clear_finished_unix_ms();
    stage.clear_error();
    stage.clear_result();
    stage.clear_grant();
  }
  experiment.set_status(v1::STATUS_PENDING);
  experiment.clear_finished_unix_ms();
  experiment.clear_error();
}

std::string StageLabel(const v1::Experiment& experiment, int stage) {
  const v1::StageState& state = experiment.stages(stage);
  return absl::StrCat("stage ", stage + 1, " (", state.kind(), " ", state.name(), ")");
}

}  // namespace understudy
