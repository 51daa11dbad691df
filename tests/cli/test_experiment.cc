#include "tests/cli/test_experiment.h"

#include <cstdint>
#include <string>

namespace understudy {
namespace {

v1::StageState& AddStage(v1::Experiment& experiment, const std::string& name, const std::string& kind, int64_t begin_ms,
                         int64_t end_ms) {
  v1::StageState& stage = *experiment.add_stages();
  stage.set_name(name);
  stage.set_kind(kind);
  stage.set_status(v1::STATUS_SUCCEEDED);
  stage.set_started_unix_ms(begin_ms);
  stage.set_finished_unix_ms(end_ms);
  return stage;
}

void SetTrainResult(v1::StageState& stage, double mean_return, int64_t environment_steps) {
  v1::TrainResult& result = *stage.mutable_train();
  result.set_policy(stage.name());
  result.set_policy_version(1);
  result.set_policy_digest("\x01\xab");
  result.set_converged(true);
  result.set_environment_steps(environment_steps);
  result.set_mean_return(mean_return);
  result.set_evaluation_episodes(100);
  result.set_updates(1200);
  result.set_iterations(30);
}

v1::Experiment Base() {
  v1::Experiment experiment;
  experiment.set_id("e1");
  experiment.mutable_spec()->set_name("cartpole");
  experiment.set_submitted_unix_ms(1000);
  return experiment;
}

void AddPendingStages(v1::Experiment& experiment) {
  v1::StageState& stage = *experiment.add_stages();
  stage.set_name("cartpole-expert");
  stage.set_kind("collect");
  stage.set_status(v1::STATUS_PENDING);
}

}  // namespace

v1::Experiment SucceededExperiment() {
  v1::Experiment experiment = Base();
  experiment.set_status(v1::STATUS_SUCCEEDED);
  experiment.set_finished_unix_ms(4500);

  v1::StageState& expert = AddStage(experiment, "expert", "train", 1000, 2000);
  expert.set_algorithm("ppo");
  SetTrainResult(expert, 497.25, 53248);

  v1::CollectResult& collect = *AddStage(experiment, "cartpole-expert", "collect", 2000, 2100).mutable_collect();
  collect.set_dataset("cartpole-expert");
  collect.set_episodes(21);
  collect.set_transitions(10020);
  collect.set_mean_return(477.5);
  collect.set_digest("\x12\x34\x56\x78\x9a\xbc\xde\xf0");
  collect.set_policy("expert");
  collect.set_policy_version(1);

  v1::StageState& clone = AddStage(experiment, "clone", "train", 2100, 4400);
  clone.set_algorithm("bc");
  SetTrainResult(clone, 500, 0);
  clone.mutable_train()->set_train_loss(0.25);
  clone.mutable_train()->set_validation_loss(0.5);
  clone.mutable_train()->set_validation_accuracy(0.9875);

  v1::EvaluateResult& evaluate = *AddStage(experiment, "clone", "evaluate", 4400, 4500).mutable_evaluate();
  evaluate.set_policy("clone");
  evaluate.set_policy_version(1);
  evaluate.set_episodes(100);
  evaluate.set_mean_return(499.5);
  evaluate.set_std_return(2.25);
  evaluate.set_min_return(480);
  evaluate.set_max_return(500);
  return experiment;
}

v1::Experiment RunningExperiment() {
  v1::Experiment experiment = Base();
  experiment.set_status(v1::STATUS_RUNNING);
  v1::StageState& stage = *experiment.add_stages();
  stage.set_name("expert");
  stage.set_kind("train");
  stage.set_algorithm("ppo");
  stage.set_status(v1::STATUS_RUNNING);
  stage.set_started_unix_ms(1'001'000);
  stage.set_workers(2);
  v1::StageProgress& progress = *stage.mutable_progress();
  progress.set_iteration(73);
  progress.set_done(75000);
  progress.set_total(150000);
  progress.set_unit("steps");
  progress.set_steps(80000);
  (*progress.mutable_metrics())["mean_return"] = 123.44;
  AddPendingStages(experiment);
  return experiment;
}

v1::Experiment FailedExperiment() {
  v1::Experiment experiment = Base();
  experiment.set_status(v1::STATUS_FAILED);
  experiment.set_finished_unix_ms(2000);
  v1::StageState& stage = AddStage(experiment, "expert", "train", 1000, 2000);
  stage.set_algorithm("ppo");
  stage.set_status(v1::STATUS_FAILED);
  stage.set_error("no luck");
  AddPendingStages(experiment);
  return experiment;
}

}  // namespace understudy
