#include "cli/progress.h"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/cli/test_experiment.h"

namespace understudy {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1003);  // two seconds after the running stage began

TEST(ProgressLine, ShowsBarRateTimeLeftAndMetric) {
  EXPECT_EQ(ProgressLine(RunningExperiment().stages(0), kNow, 200),
            "expert  [==========          ]  75,000/150,000 steps  40.0k steps/s  2.00 s left  mean return 123.4");
}

TEST(ProgressLine, DropsWhatDoesNotFitFromTheRight) {
  EXPECT_EQ(ProgressLine(RunningExperiment().stages(0), kNow, 60),
            "expert  [==========          ]  75,000/150,000 steps");
}

TEST(ProgressLine, SaysThatItWaitsForWorkers) {
  v1::StageState stage = RunningExperiment().stages(0);
  stage.clear_progress();
  EXPECT_EQ(ProgressLine(stage, kNow, 80), "expert  starting");
  stage.set_workers(0);
  EXPECT_EQ(ProgressLine(stage, kNow, 80), "expert  waiting for workers");
}

TEST(ProgressLine, SaysFirstWhatTheStageWaitsFor) {
  v1::StageState stage = RunningExperiment().stages(0);
  stage.set_waiting_for("a learner");
  EXPECT_EQ(ProgressLine(stage, kNow, 80),
            "expert  waiting for a learner  [==========          ]  75,000/150,000 steps");
  // How long that will be is not known.
  EXPECT_EQ(ProgressLine(stage, kNow, 200),
            "expert  waiting for a learner  [==========          ]  75,000/150,000 steps  40.0k steps/s  "
            "mean return 123.4");
  stage.clear_progress();
  stage.set_workers(0);
  EXPECT_EQ(ProgressLine(stage, kNow, 80), "expert  waiting for a learner");
}

TEST(ProgressLine, DoesNotGuessARateBeforeTimeHasPassed) {
  EXPECT_EQ(ProgressLine(RunningExperiment().stages(0), absl::FromUnixSeconds(1001), 200),
            "expert  [==========          ]  75,000/150,000 steps  mean return 123.4");
}

TEST(ProgressLine, ShowsAFullBarWhereMoreIsDoneThanAsked) {
  v1::StageState stage = RunningExperiment().stages(0);
  stage.mutable_progress()->set_done(150400);
  EXPECT_EQ(ProgressLine(stage, kNow, 60), "expert  [====================]  150,400/150,000 steps");
}

constexpr char kErase[] = "\r\033[K";

struct Screen {
  std::ostringstream out;
  std::ostringstream err;
  Console console;
  explicit Screen(bool live) : console{.out = out, .err = err, .live = live, .columns = 61} {}
};

TEST(ProgressPrinter, SaysOnceThatAStageStartsAndEnds) {
  Screen screen(false);
  ProgressPrinter printer(screen.console);
  printer.Update(RunningExperiment(), kNow);
  printer.Update(RunningExperiment(), kNow + absl::Seconds(1));
  printer.Update(FailedExperiment(), kNow + absl::Seconds(2));
  EXPECT_EQ(screen.err.str(), "expert: train (ppo) started\nexpert: FAILED in 1.00 s: no luck\n");
  EXPECT_EQ(screen.out.str(), "");
}

TEST(ProgressPrinter, TellsOfStagesThatEndedBetweenTwoUpdates) {
  Screen screen(false);
  ProgressPrinter(screen.console).Update(SucceededExperiment(), kNow);
  EXPECT_EQ(screen.err.str(),
            "expert: SUCCEEDED in 1.00 s: mean return 497.2, converged, 53,248 steps\n"
            "cartpole-expert: SUCCEEDED in 0.10 s: 10,020 transitions, 21 episodes, 123456789abc\n"
            "clone: SUCCEEDED in 2.30 s: mean return 500.0, converged, accuracy 98.8 %\n"
            "clone: SUCCEEDED in 0.10 s: mean return 499.5 ± 2.2 over 100 episodes\n");
}

TEST(ProgressPrinter, DoesNotTellOfStagesThatNeverRan) {
  Screen screen(false);
  v1::Experiment experiment = FailedExperiment();
  experiment.mutable_stages(1)->set_status(v1::STATUS_CANCELLED);
  ProgressPrinter(screen.console).Update(experiment, kNow);
  EXPECT_EQ(screen.err.str(), "expert: FAILED in 1.00 s: no luck\n");
}

TEST(ProgressPrinter, SaysWhereAStageIsPaused) {
  Screen screen(false);
  ProgressPrinter printer(screen.console);
  printer.Update(RunningExperiment(), kNow);
  v1::Experiment experiment = RunningExperiment();
  experiment.set_status(v1::STATUS_PAUSED);
  experiment.mutable_stages(0)->set_status(v1::STATUS_PAUSED);
  printer.Update(experiment, kNow);
  EXPECT_EQ(screen.err.str(), "expert: train (ppo) started\nexpert: PAUSED: at 75,000 of 150,000 steps\n");
}

TEST(ProgressPrinter, DrawsTheSameLineAgainOnATerminal) {
  Screen screen(true);
  const std::string line = "expert  [==========          ]  75,000/150,000 steps";
  {
    ProgressPrinter printer(screen.console);
    printer.Update(RunningExperiment(), kNow);
    printer.Update(RunningExperiment(), kNow + absl::Milliseconds(99));  // too soon
    printer.Update(RunningExperiment(), kNow + absl::Milliseconds(100));
  }
  EXPECT_EQ(screen.err.str(), kErase + line + kErase + line + kErase);
}

TEST(ProgressPrinter, PrintsOtherLinesAboveTheLiveOne) {
  Screen screen(true);
  const std::string line = "expert  [==========          ]  75,000/150,000 steps";
  ProgressPrinter printer(screen.console);
  printer.Update(RunningExperiment(), kNow);
  printer.Print("a warning");
  EXPECT_EQ(screen.err.str(), kErase + line + kErase + "a warning\n" + line);
}

}  // namespace
}  // namespace understudy
