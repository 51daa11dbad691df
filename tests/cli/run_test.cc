// `understudy run` with programs that pretend to be the coordinator, the learner and the actors.
#include "cli/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "absl/time/clock.h"
#include "common/config/experiment_file.h"
#include "tests/cli/fake_coordinator.h"
#include "tests/cli/test_experiment.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kExperiment[] = R"(
name: cartpole
environment: CartPole-v1
stages:
  - train: {policy: expert, algorithm: ppo}
)";

// Makes the data directory (its fourth argument), says where `coordinator` listens, and lives until it is terminated.
// Then it notes that it was asked to end.
std::string ListeningScript(const FakeCoordinator& coordinator) {
  return "mkdir \"$4\"; trap 'touch $0.ended; exit 0' TERM; echo listening on " + coordinator.address() +
         "; while :; do sleep 0.01; done";
}

class Stage {
 public:
  Stage() {
    std::ofstream(directory_.File("e.yaml")) << kExperiment;
    SetProgram("learner", "exec sleep 1000");
    SetProgram("actor", "exec sleep 1000");
    options.file = directory_.File("e.yaml");
    options.data_directory = directory_.File("data");
    options.program_directory = directory_.path();
  }

  void SetProgram(const std::string& name, const std::string& script) {
    const std::string path = directory_.File("understudy-" + name);
    std::ofstream(path) << "#!/bin/sh\n" << script << '\n';
    ASSERT_EQ(chmod(path.c_str(), 0700), 0);
  }

  absl::StatusOr<int> Run() { return RunExperiment(options, {.out = out_, .err = err_}); }

  std::string out() const { return out_.str(); }
  std::string err() const { return err_.str(); }
  std::string File(const std::string& name) const { return directory_.File(name); }
  bool Exists(const std::string& name) const { return std::filesystem::exists(directory_.File(name)); }

  RunOptions options;

 private:
  testing::TemporaryDirectory directory_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST(Run, PrintsTheTableAndWhereTheResultsAre) {
  const FakeCoordinator coordinator({RunningExperiment(), SucceededExperiment()});
  Stage stage;
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  const absl::StatusOr<int> exit_status = stage.Run();
  ASSERT_TRUE(exit_status.ok()) << exit_status.status();
  EXPECT_EQ(*exit_status, 0);
  EXPECT_THAT(stage.out(), HasSubstr("cartpole-expert  collect   SUCCEEDED  10,020 transitions"));
  EXPECT_THAT(stage.out(), HasSubstr("understudy datasets show cartpole-expert --data_dir " + stage.File("data")));
  EXPECT_THAT(stage.out(), EndsWith("understudy experiments metrics e1 --data_dir " + stage.File("data") + "\n"));
  EXPECT_THAT(stage.err(), HasSubstr("expert: train (ppo) started\n"));
  EXPECT_TRUE(stage.Exists("data"));
}

TEST(Run, PrintsOneJsonObjectWhoseTimeIsTheWholeCommands) {
  const FakeCoordinator coordinator({SucceededExperiment()});
  Stage stage;
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  stage.options.json = true;
  ASSERT_TRUE(stage.Run().ok());
  const auto json = nlohmann::json::parse(stage.out());
  EXPECT_EQ(json["status"], "SUCCEEDED");
  EXPECT_NE(json["wall_seconds"], 3.5);  // the experiment's own
  EXPECT_EQ(json["stages"].size(), 4u);
  EXPECT_EQ(json["data_dir"], stage.File("data"));
}

TEST(Run, StartsAsManyLearnersAsTheStageNeedsThatNeedsMost) {
  FakeCoordinator coordinator({RunningExperiment(), SucceededExperiment()});
  coordinator.Hold();
  Stage stage;
  std::ofstream(stage.options.file, std::ios::app) << "  - train: {policy: second, algorithm: ppo, learners: 3}\n  - "
                                                      "train: {policy: third, algorithm: ppo, learners: 2}\n";
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  ASSERT_EQ(mkfifo(stage.File("fifo").c_str(), 0600), 0);
  stage.SetProgram("learner", "echo $$ > " + stage.File("fifo") + "; exec sleep 1000");
  // For writing, too: so it never ends, and nobody writes to one that is just being closed.
  std::fstream fifo(stage.File("fifo"), std::ios::in | std::ios::out);
  std::set<std::string> learners;
  std::thread releaser([&] {
    for (std::string pid; learners.size() < 3 && fifo >> pid;) learners.insert(pid);
    coordinator.Release();
  });
  EXPECT_TRUE(stage.Run().ok());
  releaser.join();
  EXPECT_EQ(learners.size(), 3u);
}

TEST(Run, FailsWithAStageAfterPrintingIt) {
  const FakeCoordinator coordinator({RunningExperiment(), FailedExperiment()});
  Stage stage;
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  stage.options.json = true;
  const absl::StatusOr<int> exit_status = stage.Run();
  EXPECT_EQ(exit_status.status().message(),
            "experiment cartpole FAILED: stage 1 (train expert): no luck; results are in " + stage.File("data"));
  EXPECT_EQ(nlohmann::json::parse(stage.out())["status"], "FAILED");
}

TEST(Run, RefusesAnInvalidFileBeforeAnythingIsMade) {
  Stage stage;
  stage.SetProgram("coordinator", "touch " + stage.File("started"));
  std::ofstream(stage.options.file, std::ios::app) << "colour: red\n";
  const absl::StatusOr<int> exit_status = stage.Run();
  EXPECT_EQ(exit_status.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(stage.Exists("started"));
  EXPECT_FALSE(stage.Exists("data"));
}

TEST(Run, PassesOnWhyTheCoordinatorDoesNotStart) {
  Stage stage;
  stage.SetProgram("coordinator", "echo 'understudy-coordinator: data directory is in use' >&2; exit 1");
  const absl::StatusOr<int> exit_status = stage.Run();
  EXPECT_EQ(exit_status.status().message(), "data directory is in use");
  EXPECT_EQ(stage.err(), "");
  EXPECT_FALSE(stage.Exists("data"));
}

TEST(Run, LeavesADataDirectoryThatWasThereBefore) {
  Stage stage;
  std::filesystem::create_directory(stage.File("data"));
  stage.SetProgram("coordinator", "exit 1");
  const absl::StatusOr<int> exit_status = stage.Run();
  EXPECT_EQ(exit_status.status().message(), "understudy-coordinator has ended before it listened: exit status 1");
  EXPECT_TRUE(stage.Exists("data"));
}

TEST(Run, RemovesNothingOfADirectoryThatAnotherProcessHasMadeMeanwhile) {
  Stage stage;
  stage.SetProgram("coordinator", "mkdir \"$4\"; echo theirs > \"$4\"/store; echo in use >&2; exit 1");
  EXPECT_FALSE(stage.Run().ok());
  EXPECT_TRUE(stage.Exists("data/store"));
}

TEST(Run, NamesAProgramThatIsMissing) {
  const FakeCoordinator coordinator({RunningExperiment()});
  Stage stage;
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  std::filesystem::remove(stage.File("understudy-learner"));
  const absl::StatusOr<int> exit_status = stage.Run();
  EXPECT_EQ(exit_status.status().message(),
            "cannot start " + stage.File("understudy-learner") + ": No such file or directory");
  EXPECT_TRUE(stage.Exists("understudy-coordinator.ended"));
}

TEST(Run, AsksTheCoordinatorToEndWhereTheExperimentIsRefused) {
  FakeCoordinator coordinator({RunningExperiment()});
  coordinator.RefuseSubmit({grpc::StatusCode::NOT_FOUND, "stages[1].collect.policy: no policy teacher"});
  Stage stage;
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  const absl::StatusOr<int> exit_status = stage.Run();
  EXPECT_EQ(exit_status.status().message(), "stages[1].collect.policy: no policy teacher");
  EXPECT_EQ(stage.out(), "");
  EXPECT_TRUE(stage.Exists("understudy-coordinator.ended"));
}

TEST(Run, PausesTheExperimentWhenTheLearnerKeepsDying) {
  FakeCoordinator coordinator({RunningExperiment()});
  Stage stage;
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  ASSERT_EQ(mkfifo(stage.File("fifo").c_str(), 0600), 0);
  stage.SetProgram("learner", "if mkdir $0.lived 2>/dev/null; then read line < " + stage.File("fifo") +
                                  "; fi; echo no memory >&2; exit 3");
  std::thread releaser([&] {
    coordinator.AwaitWatch();
    std::ofstream(stage.File("fifo")) << "go\n";
  });
  stage.options.json = true;
  const absl::StatusOr<int> exit_status = stage.Run();
  releaser.join();
  EXPECT_EQ(exit_status.status().message(),
            "understudy-learner has ended unexpectedly 5 times in a row, each within 10s: exit status 3: no memory; to "
            "go on: understudy run " +
                stage.options.file + " --json --data_dir " + stage.File("data"));
  EXPECT_THAT(stage.err(), HasSubstr("no memory\n"));
  EXPECT_TRUE(coordinator.paused());
  EXPECT_FALSE(coordinator.cancelled());
  EXPECT_EQ(nlohmann::json::parse(stage.out())["status"], "PAUSED");
}

TEST(Run, StartsAProcessThatDiesAgainAndGoesOn) {
  FakeCoordinator coordinator({RunningExperiment(), SucceededExperiment()});
  coordinator.Hold();
  Stage stage;
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  // Its second life is what the experiment waits for.
  ASSERT_EQ(mkfifo(stage.File("fifo").c_str(), 0600), 0);
  stage.SetProgram("learner", "if mkdir $0.lived 2>/dev/null; then kill -9 $$; fi; echo > " + stage.File("fifo") +
                                  "; exec sleep 1000");
  std::thread releaser([&] {
    std::string line;
    std::ifstream(stage.File("fifo")) >> line;
    coordinator.Release();
  });
  const absl::StatusOr<int> exit_status = stage.Run();
  releaser.join();
  ASSERT_TRUE(exit_status.ok()) << exit_status.status();
  EXPECT_THAT(stage.err(),
              HasSubstr("understudy: warning: understudy-learner has ended unexpectedly: killed by SIGKILL "
                        "(Killed); it is started again\n"));
}

TEST(Run, OutlivesTheCoordinatorsAbsenceAndSubmitsOnce) {
  FakeCoordinator coordinator({RunningExperiment(), SucceededExperiment()});
  coordinator.SetList({});
  coordinator.Fail(3);  // any three of List, Submit and Watch
  Stage stage;
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  const absl::StatusOr<int> exit_status = stage.Run();
  ASSERT_TRUE(exit_status.ok()) << exit_status.status();
  std::set<std::string> tokens;
  for (const v1::SubmitRequest& request : coordinator.submitted()) tokens.insert(request.token());
  EXPECT_EQ(tokens.size(), 1u);
}

TEST(Run, GoesOnWithTheUnfinishedExperimentOfTheSameContent) {
  Stage stage;
  const auto spec = LoadExperimentFile(stage.options.file);
  ASSERT_TRUE(spec.ok()) << spec.status();
  v1::Experiment running = RunningExperiment();
  *running.mutable_spec() = *spec;
  v1::Experiment later = running, other = RunningExperiment(), ended = SucceededExperiment();
  later.set_id("e3");
  other.set_id("e2");
  *ended.mutable_spec() = *spec;
  FakeCoordinator coordinator({running, SucceededExperiment()});
  coordinator.SetList({later, other, running, ended});
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  const absl::StatusOr<int> exit_status = stage.Run();
  ASSERT_TRUE(exit_status.ok()) << exit_status.status();
  EXPECT_THAT(stage.err(), HasSubstr("understudy: going on with experiment e1, which had not finished\n"));
  EXPECT_THAT(stage.err(), HasSubstr("understudy: paused in " + stage.File("data") + ": e2, e3; "));
  EXPECT_TRUE(coordinator.submitted().empty());
  EXPECT_TRUE(coordinator.resumed());
}

TEST(Run, ShowsTheResultOfAnExperimentThatHasSucceededBeforeItCouldBeResumed) {
  Stage stage;
  v1::Experiment listed = RunningExperiment();
  *listed.mutable_spec() = LoadExperimentFile(stage.options.file).value();
  FakeCoordinator coordinator({SucceededExperiment()});
  coordinator.SetList({listed});
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  EXPECT_TRUE(stage.Run().ok());
  EXPECT_TRUE(coordinator.submitted().empty());
}

TEST(Run, ShowsTheResultOfTheSameContentThatHasEndedMeanwhile) {
  Stage stage;
  v1::Experiment same = FailedExperiment();
  *same.mutable_spec() = LoadExperimentFile(stage.options.file).value();
  v1::Experiment before = same;
  before.set_id("e0");
  same.set_finished_unix_ms(absl::ToUnixMillis(absl::Now() + absl::Hours(1)));
  FakeCoordinator coordinator({same});
  coordinator.SetList({same, before});
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  EXPECT_THAT(std::string(stage.Run().status().message()), StartsWith("experiment cartpole FAILED"));
  EXPECT_THAT(stage.err(), HasSubstr("understudy: experiment e1 has ended meanwhile: this is its result\n"));
  EXPECT_TRUE(coordinator.submitted().empty());
}

TEST(Run, DoesNotTakeAnEarlierResultForItsOwn) {
  Stage stage;
  v1::Experiment before = SucceededExperiment();
  *before.mutable_spec() = LoadExperimentFile(stage.options.file).value();
  FakeCoordinator coordinator({before});
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  ASSERT_TRUE(stage.Run().ok());
  EXPECT_EQ(coordinator.submitted().size(), 1u);
}

TEST(Run, SubmitsWhereOnlyOthersHaveNotFinished) {
  FakeCoordinator coordinator({RunningExperiment(), SucceededExperiment()});
  std::vector<v1::Experiment> others(5, RunningExperiment());
  for (int i = 0; i < 5; ++i) others[i].set_id("x" + std::to_string(i));
  coordinator.SetList(others);
  Stage stage;
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  ASSERT_TRUE(stage.Run().ok());
  EXPECT_EQ(coordinator.submitted().size(), 1u);
  EXPECT_THAT(stage.err(),
              AllOf(HasSubstr("understudy: paused in " + stage.File("data") + ": x0, x1, x2 and 2 more; "),
                    HasSubstr("understudy experiments cancel x0 --data_dir " + stage.File("data") + "\n")));
}

}  // namespace
}  // namespace understudy
