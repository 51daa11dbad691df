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

#include "common/config/experiment_file.h"
#include "tests/cli/fake_coordinator.h"
#include "tests/cli/test_experiment.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kExperiment[] = R"(
name: cartpole
environment: CartPole-v1
stages:
  - train: {policy: expert, algorithm: ppo}
)";

// Makes the data directory (its fourth argument), says where `coordinator` listens, and lives on.
std::string ListeningScript(const FakeCoordinator& coordinator) {
  return "mkdir \"$4\"; echo listening on " + coordinator.address() + "; exec sleep 1000";
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
  EXPECT_EQ(exit_status.status().message(), "experiment cartpole FAILED: stage 1 (train expert): no luck");
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
  stage.SetProgram("coordinator", "mkdir \"$4\"; echo 'understudy-coordinator: data directory is in use' >&2; exit 1");
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
  EXPECT_EQ(exit_status.status().message(), "understudy-coordinator ended with exit status 1");
  EXPECT_TRUE(stage.Exists("data"));
}

TEST(Run, NamesAProgramThatIsMissing) {
  const FakeCoordinator coordinator({RunningExperiment()});
  Stage stage;
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  std::filesystem::remove(stage.File("understudy-learner"));
  const absl::StatusOr<int> exit_status = stage.Run();
  EXPECT_EQ(exit_status.status().message(),
            "cannot start " + stage.File("understudy-learner") + ": No such file or directory");
  EXPECT_FALSE(stage.Exists("data"));
}

TEST(Run, LeavesNothingBehindWhereTheExperimentIsRefused) {
  FakeCoordinator coordinator({RunningExperiment()});
  coordinator.RefuseSubmit({grpc::StatusCode::NOT_FOUND, "stages[1].collect.policy: no policy teacher"});
  Stage stage;
  stage.SetProgram("coordinator", ListeningScript(coordinator));
  const absl::StatusOr<int> exit_status = stage.Run();
  EXPECT_EQ(exit_status.status().message(), "stages[1].collect.policy: no policy teacher");
  EXPECT_EQ(stage.out(), "");
  EXPECT_FALSE(stage.Exists("data"));
}

TEST(Run, CancelsTheExperimentWhenTheLearnerKeepsDying) {
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
            "understudy-learner has ended unexpectedly 5 times in a row, each within 10s: exit status 3: no memory");
  EXPECT_THAT(stage.err(), HasSubstr("no memory\n"));
  EXPECT_TRUE(coordinator.cancelled());
  EXPECT_EQ(nlohmann::json::parse(stage.out())["status"], "CANCELLED");
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
              HasSubstr("understudy: warning: understudy-learner has ended unexpectedly: killed by signal 9 "
                        "(Killed); it is started again\n"));
}

TEST(Run, OutlivesTheCoordinatorsAbsenceAndSubmitsOnce) {
  FakeCoordinator coordinator({RunningExperiment(), SucceededExperiment()});
  coordinator.SetList({});
  coordinator.Fail(3);  // List, Submit, Watch or any other three
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
  EXPECT_THAT(stage.err(),
              HasSubstr("understudy: experiments there that had not finished either go on, too: e2, e3\n"));
  EXPECT_TRUE(coordinator.submitted().empty());
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
              HasSubstr("understudy: experiments there that had not finished either go on, too: x0, x1, x2 "
                        "and 2 more\n"));
}

}  // namespace
}  // namespace understudy
