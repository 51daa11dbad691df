#include "coordinator/scheduling/experiment_machine.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

constexpr int64_t kSubmitted = 1'000;

absl::Time At(int64_t unix_ms) { return absl::FromUnixMillis(unix_ms); }

// Train expert, collect demos, evaluate expert.
v1::ExperimentSpec ThreeStages() {
  v1::ExperimentSpec spec;
  spec.set_name("three");
  v1::TrainStage& train = *spec.add_stages()->mutable_train();
  train.set_policy("expert");
  train.set_algorithm("ppo");
  train.mutable_stop()->set_mean_return(475);
  v1::CollectStage& collect = *spec.add_stages()->mutable_collect();
  collect.set_policy("expert");
  collect.set_dataset("demos");
  spec.add_stages()->mutable_evaluate()->set_policy("expert");
  return spec;
}

v1::TrainResult Trained(bool converged, double mean_return = 480) {
  v1::TrainResult result;
  result.set_converged(converged);
  result.set_mean_return(mean_return);
  result.set_evaluation_episodes(100);
  return result;
}

v1::Experiment Submitted(v1::ExperimentSpec spec = ThreeStages()) {
  std::vector<std::optional<PolicyReference>> policies(spec.stages_size());
  if (policies.size() > 1) policies[1] = PolicyReference{.name = "expert", .version = 0};
  return NewExperiment("three-1", std::move(spec), policies, At(kSubmitted));
}

TEST(ExperimentMachine, SubmitsEveryStagePendingAndNamed) {
  const v1::Experiment experiment = Submitted();
  EXPECT_EQ(experiment.id(), "three-1");
  EXPECT_EQ(experiment.status(), v1::STATUS_PENDING);
  EXPECT_EQ(experiment.submitted_unix_ms(), kSubmitted);
  ASSERT_EQ(experiment.stages_size(), 3);
  EXPECT_EQ(experiment.stages(0).kind(), "train");
  EXPECT_EQ(experiment.stages(0).name(), "expert");
  EXPECT_EQ(experiment.stages(0).algorithm(), "ppo");
  EXPECT_EQ(experiment.stages(1).kind(), "collect");
  EXPECT_EQ(experiment.stages(1).name(), "demos");
  EXPECT_EQ(experiment.stages(2).kind(), "evaluate");
  for (const v1::StageState& stage : experiment.stages()) EXPECT_EQ(stage.status(), v1::STATUS_PENDING);
  EXPECT_FALSE(RunningStage(experiment).has_value());
}

TEST(ExperimentMachine, RunsStagesInOrderAndSucceedsWithTheLast) {
  v1::Experiment experiment = Submitted();
  EXPECT_EQ(StartNextStage(experiment, At(2'000)), 0);
  EXPECT_EQ(experiment.status(), v1::STATUS_RUNNING);
  EXPECT_EQ(experiment.stages(0).started_unix_ms(), 2'000);
  FinishStage(experiment, Trained(true), At(3'000));
  EXPECT_EQ(experiment.stages(0).status(), v1::STATUS_SUCCEEDED);
  EXPECT_EQ(experiment.stages(0).finished_unix_ms(), 3'000);
  EXPECT_TRUE(experiment.stages(0).train().converged());

  EXPECT_EQ(StartNextStage(experiment, At(3'000)), 1);
  FinishStage(experiment, v1::CollectResult(), At(4'000));
  EXPECT_EQ(StartNextStage(experiment, At(4'000)), 2);
  EXPECT_EQ(experiment.status(), v1::STATUS_RUNNING);
  FinishStage(experiment, v1::EvaluateResult(), At(5'000));
  EXPECT_EQ(experiment.status(), v1::STATUS_SUCCEEDED);
  EXPECT_EQ(experiment.finished_unix_ms(), 5'000);
  EXPECT_EQ(experiment.error(), "");
}

TEST(ExperimentMachine, StartsNothingWhileAStageRuns) {
  v1::Experiment experiment = Submitted();
  StartNextStage(experiment, At(2'000));
  EXPECT_FALSE(StartNextStage(experiment, At(2'001)).has_value());
  EXPECT_EQ(RunningStage(experiment), 0);
}

TEST(ExperimentMachine, AFailingStageFailsTheExperimentAndCancelsTheRest) {
  v1::Experiment experiment = Submitted();
  StartNextStage(experiment, At(2'000));
  FinishStage(experiment, Trained(true), At(3'000));
  StartNextStage(experiment, At(3'000));
  FailStage(experiment, "disk full", At(4'000));
  EXPECT_EQ(experiment.status(), v1::STATUS_FAILED);
  EXPECT_EQ(experiment.error(), "stage 2 (collect demos): disk full");
  EXPECT_EQ(experiment.stages(0).status(), v1::STATUS_SUCCEEDED);
  EXPECT_EQ(experiment.stages(1).status(), v1::STATUS_FAILED);
  EXPECT_EQ(experiment.stages(1).error(), "disk full");
  EXPECT_EQ(experiment.stages(2).status(), v1::STATUS_CANCELLED);
}

TEST(ExperimentMachine, NotConvergingFailsOnlyWhereItIsRequired) {
  v1::Experiment relaxed = Submitted();
  StartNextStage(relaxed, At(2'000));
  FinishStage(relaxed, Trained(false, 120), At(3'000));
  EXPECT_EQ(relaxed.stages(0).status(), v1::STATUS_SUCCEEDED);

  v1::ExperimentSpec spec = ThreeStages();
  spec.mutable_stages(0)->mutable_train()->set_require("converged");
  v1::Experiment strict = Submitted(spec);
  StartNextStage(strict, At(2'000));
  FinishStage(strict, Trained(false, 120), At(3'000));
  EXPECT_EQ(strict.stages(0).status(), v1::STATUS_FAILED);
  EXPECT_EQ(strict.stages(0).error(), "not converged: mean return 120 over 100 episodes, required 475");
  EXPECT_EQ(strict.stages(0).train().mean_return(), 120);
}

TEST(ExperimentMachine, AMeanReturnBelowTheMinimumFailsAnEvaluation) {
  v1::ExperimentSpec spec;
  spec.add_stages()->mutable_evaluate()->set_minimum_mean_return(450);
  v1::EvaluateResult result;
  result.set_episodes(10);
  for (const auto& [mean, status] : {std::pair{449.9, v1::STATUS_FAILED}, std::pair{450.0, v1::STATUS_SUCCEEDED}}) {
    v1::Experiment experiment = Submitted(spec);
    StartNextStage(experiment, At(2'000));
    result.set_mean_return(mean);
    FinishStage(experiment, result, At(3'000));
    EXPECT_EQ(experiment.status(), status) << mean;
  }
}

TEST(ExperimentMachine, CancelsAtAnyTimeButNeverWhatHasFinished) {
  v1::Experiment pending = Submitted();
  CancelExperiment(pending, At(1'500));
  EXPECT_EQ(pending.status(), v1::STATUS_CANCELLED);
  EXPECT_EQ(pending.stages(0).status(), v1::STATUS_CANCELLED);

  v1::Experiment running = Submitted();
  StartNextStage(running, At(2'000));
  FinishStage(running, Trained(true), At(3'000));
  StartNextStage(running, At(3'000));
  CancelExperiment(running, At(4'000));
  EXPECT_EQ(running.stages(0).status(), v1::STATUS_SUCCEEDED);
  EXPECT_EQ(running.stages(1).status(), v1::STATUS_CANCELLED);
  EXPECT_EQ(running.finished_unix_ms(), 4'000);
}

TEST(ExperimentMachine, PausesTheRunningStageAndGoesOnWithIt) {
  v1::Experiment experiment = Submitted();
  StartNextStage(experiment, At(2'000));
  FinishStage(experiment, Trained(true), At(3'000));
  StartNextStage(experiment, At(3'000));
  experiment.mutable_stages(1)->set_workers(3);
  PauseExperiment(experiment);
  EXPECT_EQ(experiment.status(), v1::STATUS_PAUSED);
  EXPECT_EQ(experiment.stages(0).status(), v1::STATUS_SUCCEEDED);
  EXPECT_EQ(experiment.stages(1).status(), v1::STATUS_PAUSED);
  EXPECT_EQ(experiment.stages(1).workers(), 0);
  EXPECT_EQ(experiment.stages(2).status(), v1::STATUS_PENDING);
  EXPECT_FALSE(IsFinished(experiment.status()));
  EXPECT_EQ(experiment.finished_unix_ms(), 0);
  EXPECT_EQ(StartNextStage(experiment, At(4'000)), std::nullopt);

  ReopenExperiment(experiment);
  EXPECT_EQ(experiment.status(), v1::STATUS_PENDING);
  EXPECT_EQ(StartNextStage(experiment, At(5'000)), 1);
}

TEST(ExperimentMachine, PausesWhatHasNotBegunAndCancelsWhatIsPaused) {
  v1::Experiment experiment = Submitted();
  PauseExperiment(experiment);
  EXPECT_EQ(experiment.status(), v1::STATUS_PAUSED);
  EXPECT_EQ(experiment.stages(0).status(), v1::STATUS_PENDING);
  CancelExperiment(experiment, At(2'000));
  EXPECT_EQ(experiment.status(), v1::STATUS_CANCELLED);
  EXPECT_EQ(experiment.stages(0).status(), v1::STATUS_CANCELLED);
}

TEST(ExperimentMachine, IsAtRestWhenItHasFinishedOrIsPaused) {
  for (const v1::Status status : {v1::STATUS_SUCCEEDED, v1::STATUS_FAILED, v1::STATUS_CANCELLED, v1::STATUS_PAUSED}) {
    EXPECT_TRUE(IsAtRest(status)) << status;
  }
  EXPECT_FALSE(IsAtRest(v1::STATUS_PENDING));
  EXPECT_FALSE(IsAtRest(v1::STATUS_RUNNING));
}

TEST(ExperimentMachine, FinishedIsFinal) {
  v1::Experiment experiment = Submitted();
  StartNextStage(experiment, At(2'000));
  FailStage(experiment, "first", At(3'000));
  const std::string before = experiment.SerializeAsString();
  CancelExperiment(experiment, At(9'000));
  PauseExperiment(experiment);
  FailStage(experiment, "second", At(9'000));
  FinishStage(experiment, Trained(true), At(9'000));
  EXPECT_FALSE(StartNextStage(experiment, At(9'000)).has_value());
  EXPECT_EQ(experiment.SerializeAsString(), before);
}

TEST(ExperimentMachine, RemembersWhatPolicyAStageUses) {
  const v1::Experiment experiment = Submitted();
  EXPECT_FALSE(experiment.stages(0).has_uses());
  EXPECT_EQ(experiment.stages(1).uses().name(), "expert");
  EXPECT_EQ(experiment.stages(1).uses().version(), 0);
}

TEST(ExperimentMachine, AStageHasFinishedUnderItsOwnEpochAlone) {
  v1::Experiment experiment = Submitted();
  StartNextStage(experiment, At(2'000));
  experiment.mutable_stages(0)->mutable_grant()->set_epoch(9);
  v1::StageKey key;
  key.set_experiment_id("three-1");
  key.set_epoch(9);
  EXPECT_FALSE(HasFinished(experiment, key));
  FinishStage(experiment, Trained(true), At(3'000));
  EXPECT_TRUE(HasFinished(experiment, key));
  key.set_epoch(8);
  EXPECT_FALSE(HasFinished(experiment, key));
  key.set_epoch(0);
  key.set_stage(1);
  EXPECT_FALSE(HasFinished(experiment, key));
  key.set_stage(77);
  EXPECT_FALSE(HasFinished(experiment, key));
}

TEST(ExperimentMachine, ReopenedItGoesOnWithWhatHasNotSucceeded) {
  v1::Experiment experiment = Submitted();
  StartNextStage(experiment, At(2'000));
  FinishStage(experiment, Trained(true), At(3'000));
  StartNextStage(experiment, At(3'000));
  FailStage(experiment, "the disk is full", At(4'000));
  ReopenExperiment(experiment);
  EXPECT_EQ(experiment.status(), v1::STATUS_PENDING);
  EXPECT_EQ(experiment.error(), "");
  EXPECT_EQ(experiment.finished_unix_ms(), 0);
  EXPECT_EQ(experiment.stages(0).status(), v1::STATUS_SUCCEEDED);
  EXPECT_TRUE(experiment.stages(0).train().converged());
  EXPECT_EQ(experiment.stages(1).error(), "");
  EXPECT_EQ(experiment.stages(1).uses().name(), "expert");
  EXPECT_EQ(StartNextStage(experiment, At(5'000)), 1);
  EXPECT_EQ(experiment.stages(2).status(), v1::STATUS_PENDING);
}

TEST(ExperimentMachine, WhatHasSucceededIsNotReopened) {
  v1::ExperimentSpec spec;
  spec.add_stages()->mutable_evaluate()->set_policy("expert");
  v1::Experiment experiment = Submitted(spec);
  StartNextStage(experiment, At(2'000));
  FinishStage(experiment, v1::EvaluateResult(), At(3'000));
  ReopenExperiment(experiment);
  EXPECT_EQ(experiment.status(), v1::STATUS_SUCCEEDED);
}

}  // namespace
}  // namespace understudy
