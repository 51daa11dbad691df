#include "cli/progress_line.h"

#include <gtest/gtest.h>

#include "tests/cli/test_experiment.h"

namespace understudy {
namespace {

const absl::Time kTwoSecondsIn = absl::FromUnixSeconds(1003);

TEST(ProgressLine, ShowsBarRateTimeLeftAndMetric) {
  EXPECT_EQ(ProgressLine(RunningExperiment().stages(0), kTwoSecondsIn, 200),
            "expert  [==========          ]  75,000/150,000 steps  40.0k steps/s  2.00 s left  mean return 123.4");
}

TEST(ProgressLine, DropsWhatDoesNotFitFromTheRight) {
  EXPECT_EQ(ProgressLine(RunningExperiment().stages(0), kTwoSecondsIn, 60),
            "expert  [==========          ]  75,000/150,000 steps");
}

TEST(ProgressLine, SaysThatItWaitsForWorkers) {
  v1::StageState stage = RunningExperiment().stages(0);
  stage.clear_progress();
  EXPECT_EQ(ProgressLine(stage, kTwoSecondsIn, 80), "expert  starting");
  stage.set_workers(0);
  EXPECT_EQ(ProgressLine(stage, kTwoSecondsIn, 80), "expert  waiting for workers");
}

TEST(ProgressLine, SaysFirstWhatTheStageWaitsFor) {
  v1::StageState stage = RunningExperiment().stages(0);
  stage.set_waiting_for("a learner");
  EXPECT_EQ(ProgressLine(stage, kTwoSecondsIn, 80),
            "expert  waiting for a learner  [==========          ]  75,000/150,000 steps");
  // How long that will be is not known.
  EXPECT_EQ(ProgressLine(stage, kTwoSecondsIn, 200),
            "expert  waiting for a learner  [==========          ]  75,000/150,000 steps  40.0k steps/s  "
            "mean return 123.4");
  stage.clear_progress();
  stage.set_workers(0);
  EXPECT_EQ(ProgressLine(stage, kTwoSecondsIn, 80), "expert  waiting for a learner");
}

TEST(ProgressLine, DoesNotGuessARateBeforeTimeHasPassed) {
  EXPECT_EQ(ProgressLine(RunningExperiment().stages(0), absl::FromUnixSeconds(1001), 200),
            "expert  [==========          ]  75,000/150,000 steps  mean return 123.4");
}

TEST(ProgressLine, ShowsAFullBarWhereMoreIsDoneThanAsked) {
  v1::StageState stage = RunningExperiment().stages(0);
  stage.mutable_progress()->set_done(150400);
  EXPECT_EQ(ProgressLine(stage, kTwoSecondsIn, 60), "expert  [====================]  150,400/150,000 steps");
}

}  // namespace
}  // namespace understudy
