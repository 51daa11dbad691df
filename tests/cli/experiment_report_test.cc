#include "cli/experiment_report.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_split.h"
#include "cli/table.h"
#include "tests/cli/test_experiment.h"

namespace understudy {
namespace {

TEST(StatusName, HasNoPrefix) { EXPECT_EQ(StatusName(v1::STATUS_SUCCEEDED), "SUCCEEDED"); }

TEST(HasEnded, IsTrueOfFinalStatesOnly) {
  EXPECT_FALSE(HasEnded(v1::STATUS_PENDING));
  EXPECT_FALSE(HasEnded(v1::STATUS_RUNNING));
  EXPECT_TRUE(HasEnded(v1::STATUS_SUCCEEDED));
  EXPECT_TRUE(HasEnded(v1::STATUS_FAILED));
  EXPECT_TRUE(HasEnded(v1::STATUS_CANCELLED));
}

TEST(FormatExperiment, ShowsWhatCameOutOfEachStage) {
  EXPECT_EQ(FormatExperiment(SucceededExperiment()),
            "experiment cartpole (e1): SUCCEEDED in 3.50 s\n"
            "\n"
            "stage            kind      status     outcome                                          time\n"
            "---------------  --------  ---------  ---------------------------------------------  ------\n"
            "expert           ppo       SUCCEEDED  mean return 497.2, converged, 53,248 steps     1.00 s\n"
            "cartpole-expert  collect   SUCCEEDED  10,020 transitions, 21 episodes, 123456789abc  0.10 s\n"
            "clone            bc        SUCCEEDED  mean return 500.0, converged, accuracy 98.8 %  2.30 s\n"
            "clone            evaluate  SUCCEEDED  mean return 499.5 ± 2.2 over 100 episodes      0.10 s\n");
}

TEST(FormatExperiment, ATextInFullMakesItsTableNoWider) {
  v1::Experiment experiment = FailedExperiment();
  experiment.mutable_stages(0)->set_error(std::string(300, 'x'));
  const std::string text = FormatExperiment(experiment);
  const size_t below = text.rfind("\n\n");
  EXPECT_NE(text.find(std::string(300, 'x'), below), std::string::npos) << text;
  const std::vector<std::string> lines = absl::StrSplit(text.substr(0, below), '\n');
  for (const std::string& line : lines) {
    EXPECT_LE(DisplayWidth(line), kTableColumns) << line;
  }
}

TEST(StageOutcome, SaysThatTrainingDidNotConverge) {
  v1::Experiment experiment = SucceededExperiment();
  experiment.mutable_stages(0)->mutable_train()->set_converged(false);
  EXPECT_EQ(StageOutcome(experiment.stages(0)), "mean return 497.2, not converged, 53,248 steps");
}

TEST(StageOutcome, SaysHowManyOfTheStepsAskedForWereTrained) {
  v1::StageState stage = SucceededExperiment().stages(0);
  stage.mutable_train()->set_requested_steps(54000);
  EXPECT_EQ(StageOutcome(stage), "mean return 497.2, converged, 53,248 steps");
  stage.mutable_train()->set_evaluation_episodes(0);
  stage.mutable_train()->set_converged(false);
  EXPECT_EQ(StageOutcome(stage), "53,248 of 54,000 steps");
  stage.mutable_train()->set_requested_steps(53248);
  EXPECT_EQ(StageOutcome(stage), "53,248 steps");
}

TEST(FormatRemainders, HasALineForEachBudgetThatIsNoWholeNumberOfIterations) {
  v1::ExperimentSpec spec;
  v1::PpoOptions& ppo = *spec.add_stages()->mutable_train()->mutable_ppo();
  ppo.set_slots(32);
  ppo.set_steps_per_slot(32);
  ppo.set_environment_steps(90000);
  EXPECT_EQ(
      FormatRemainders(spec),
      "understudy: stages[1].train.environment_steps: 89088 of 90000 steps will be trained: 87 iterations of 1024 "
      "(slots * steps_per_slot); 912 are too few for another\n");
  ppo.set_environment_steps(1024);
  EXPECT_EQ(FormatRemainders(spec), "");
}

TEST(StageOutcome, DoesNotSpeakOfReturnsThatNobodyMeasured) {
  v1::Experiment experiment = SucceededExperiment();
  experiment.mutable_stages(0)->mutable_train()->set_evaluation_episodes(0);
  EXPECT_EQ(StageOutcome(experiment.stages(0)), "53,248 steps");
}

TEST(StageOutcome, IsTheErrorOfAFailedStage) { EXPECT_EQ(StageOutcome(FailedExperiment().stages(0)), "no luck"); }

TEST(StageOutcome, IsEmptyBeforeThereIsOne) { EXPECT_EQ(StageOutcome(RunningExperiment().stages(0)), ""); }

TEST(StageOutcome, IsHowFarAPausedStageIs) {
  v1::StageState stage = RunningExperiment().stages(0);
  stage.set_status(v1::STATUS_PAUSED);
  EXPECT_EQ(StageOutcome(stage), "at 75,000 of 150,000 steps");
}

TEST(FormatExperiment, SaysInFullBelowTheTableWhatDoesNotFitIntoIt) {
  v1::Experiment experiment = RunningExperiment();
  EXPECT_EQ(FormatExperiment(experiment).find("waiting for"), std::string::npos);
  const std::string why =
      "actors: none has reached the learner; actor-host-4711-0a1b2c3d says: 127.0.0.1:50052: refused";
  experiment.mutable_stages(0)->set_waiting_for(why);
  const std::string shown = FormatExperiment(experiment);
  EXPECT_EQ(shown.substr(shown.rfind("\n\n") + 2), experiment.stages(0).name() + "  waiting for " + why + "\n");
}

TEST(StageOutcome, IsWhatARunningStageWaitsFor) {
  v1::StageState stage = RunningExperiment().stages(0);
  stage.set_waiting_for("actors");
  EXPECT_EQ(StageOutcome(stage), "waiting for actors");
  stage.set_status(v1::STATUS_CANCELLED);
  EXPECT_EQ(StageOutcome(stage), "");
}

TEST(FormatExperiments, HasALineForEach) {
  EXPECT_EQ(FormatExperiments({SucceededExperiment(), RunningExperiment()}),
            "id  experiment  status     stages  submitted                  time\n"
            "--  ----------  ---------  ------  -----------------------  ------\n"
            "e1  cartpole    SUCCEEDED  4/4     1970-01-01 00:00:01 UTC  3.50 s\n"
            "e1  cartpole    RUNNING    0/2     1970-01-01 00:00:01 UTC\n");
}

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
