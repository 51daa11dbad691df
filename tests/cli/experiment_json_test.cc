#include "cli/experiment_json.h"

#include <gtest/gtest.h>

#include "tests/cli/test_experiment.h"

namespace understudy {
namespace {

TEST(ExperimentJson, HasEveryFieldOfASucceededExperimentInOrder) {
  EXPECT_EQ(ExperimentJson(SucceededExperiment()).dump(),
            R"({"id":"e1","experiment":"cartpole","status":"SUCCEEDED","wall_seconds":3.5,"stages":[)"
            R"({"name":"expert","kind":"train","status":"SUCCEEDED","wall_seconds":1.0,"algorithm":"ppo",)"
            R"("policy":"expert","policy_version":1,"policy_digest":"01ab","converged":true,)"
            R"("environment_steps":53248,"mean_return":497.25,"evaluation_episodes":100,"updates":1200,)"
            R"("iterations":30},)"
            R"({"name":"cartpole-expert","kind":"collect","status":"SUCCEEDED","wall_seconds":0.1,)"
            R"("dataset":"cartpole-expert","episodes":21,"transitions":10020,"mean_return":477.5,)"
            R"("digest":"123456789abcdef0","policy":"expert","policy_version":1},)"
            R"({"name":"clone","kind":"train","status":"SUCCEEDED","wall_seconds":2.3,"algorithm":"bc",)"
            R"("policy":"clone","policy_version":1,"policy_digest":"01ab","converged":true,)"
            R"("environment_steps":0,"mean_return":500.0,"evaluation_episodes":100,"updates":1200,)"
            R"("iterations":30,"train_loss":0.25,"validation_loss":0.5,"validation_accuracy":0.9875},)"
            R"({"name":"clone","kind":"evaluate","status":"SUCCEEDED","wall_seconds":0.1,)"
            R"("policy":"clone","policy_version":1,"episodes":100,"mean_return":499.5,"std_return":2.25,)"
            R"("min_return":480.0,"max_return":500.0}]})");
}

TEST(ExperimentJson, LeavesOutWhatHasNoValueYet) {
  const auto json = ExperimentJson(RunningExperiment());
  EXPECT_FALSE(json.contains("wall_seconds"));
  EXPECT_EQ(json["stages"][0].dump(),
            R"({"name":"expert","kind":"train","status":"RUNNING","algorithm":"ppo",)"
            R"("progress":{"iteration":73,"done":75000,"total":150000,"unit":"steps","steps":80000,)"
            R"("metrics":{"mean_return":123.44}}})");
  EXPECT_EQ(json["stages"][1].dump(), R"({"name":"cartpole-expert","kind":"collect","status":"PENDING"})");
}

TEST(ExperimentJson, HasNoMeanReturnWhereNothingWasEvaluated) {
  v1::Experiment experiment = SucceededExperiment();
  experiment.mutable_stages(0)->mutable_train()->set_evaluation_episodes(0);
  const auto stage = ExperimentJson(experiment)["stages"][0];
  EXPECT_FALSE(stage.contains("mean_return"));
  EXPECT_EQ(stage["evaluation_episodes"], 0);
}

TEST(ExperimentJson, NamesErrors) {
  const auto json = ExperimentJson(FailedExperiment());
  EXPECT_EQ(json["status"], "FAILED");
  EXPECT_EQ(json["stages"][0]["error"], "no luck");
  EXPECT_FALSE(json["stages"][1].contains("error"));
}

}  // namespace
}  // namespace understudy
