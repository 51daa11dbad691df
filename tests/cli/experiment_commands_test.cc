#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/cli/command_result.h"
#include "tests/cli/fake_coordinator.h"
#include "tests/cli/test_experiment.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kExperiment[] = R"(
name: cartpole
environment: CartPole-v1
stages:
  - train: {policy: expert, algorithm: ppo}
)";

// The command, sent to the coordinator.
CommandResult RunAt(const FakeCoordinator& coordinator, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--coordinator", coordinator.address()});
  return RunCommand(std::move(arguments));
}

TEST(ExperimentsSubmit, SendsTheFileAndPrintsTheId) {
  const testing::TemporaryDirectory directory;
  std::ofstream(directory.File("e.yaml")) << kExperiment;
  FakeCoordinator coordinator({RunningExperiment()});
  const CommandResult result = RunAt(coordinator, {"experiments", "submit", directory.File("e.yaml"), "--json"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out), nlohmann::json({{"id", "e1"}}));
  ASSERT_EQ(coordinator.submitted().size(), 1u);
  EXPECT_EQ(coordinator.submitted()[0].spec().name(), "cartpole");
  EXPECT_GE(coordinator.submitted()[0].token().size(), 16u);
}

TEST(ExperimentsSubmit, ChoosesANewTokenEachTime) {
  const testing::TemporaryDirectory directory;
  std::ofstream(directory.File("e.yaml")) << kExperiment;
  FakeCoordinator coordinator({RunningExperiment()});
  RunAt(coordinator, {"experiments", "submit", directory.File("e.yaml")});
  RunAt(coordinator, {"experiments", "submit", directory.File("e.yaml")});
  ASSERT_EQ(coordinator.submitted().size(), 2u);
  EXPECT_NE(coordinator.submitted()[0].token(), coordinator.submitted()[1].token());
}

TEST(ExperimentsSubmit, SaysWhyItWasRefused) {
  const testing::TemporaryDirectory directory;
  std::ofstream(directory.File("e.yaml")) << kExperiment;
  FakeCoordinator coordinator({RunningExperiment()});
  coordinator.RefuseSubmit({grpc::StatusCode::NOT_FOUND, "stages[1].train.initial: no policy teacher"});
  const CommandResult result = RunAt(coordinator, {"experiments", "submit", directory.File("e.yaml")});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(result.err, "understudy: stages[1].train.initial: no policy teacher\n");
}

TEST(ExperimentsSubmit, SendsNothingThatIsInvalid) {
  const testing::TemporaryDirectory directory;
  std::ofstream(directory.File("e.yaml")) << kExperiment << "colour: red\n";
  FakeCoordinator coordinator({RunningExperiment()});
  const CommandResult result = RunAt(coordinator, {"experiments", "submit", directory.File("e.yaml")});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.err, AllOf(StartsWith("understudy: "), HasSubstr("e.yaml"), HasSubstr("colour")));
  EXPECT_TRUE(coordinator.submitted().empty());
}

TEST(ExperimentsList, PrintsATableOrAnArray) {
  const FakeCoordinator coordinator({SucceededExperiment()});
  EXPECT_THAT(RunAt(coordinator, {"experiments", "list"}).out, HasSubstr("e1  cartpole    SUCCEEDED  4/4"));
  const auto json = nlohmann::json::parse(RunAt(coordinator, {"experiments", "list", "--json"}).out);
  ASSERT_EQ(json.size(), 1u);
  EXPECT_EQ(json[0]["id"], "e1");
}

TEST(ExperimentsShow, NamesAnExperimentThatThereIsNot) {
  const FakeCoordinator coordinator({SucceededExperiment()});
  const CommandResult result = RunAt(coordinator, {"experiments", "show", "e2"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(result.err, "understudy: no experiment e2\n");
}

TEST(ExperimentsShow, SucceedsWhateverTheExperimentDid) {
  const FakeCoordinator coordinator({FailedExperiment()});
  const CommandResult result = RunAt(coordinator, {"experiments", "show", "e1", "--json"});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(nlohmann::json::parse(result.out)["status"], "FAILED");
}

TEST(ExperimentsWatch, FollowsToTheEnd) {
  const FakeCoordinator coordinator({RunningExperiment(), SucceededExperiment()});
  const CommandResult result = RunAt(coordinator, {"experiments", "watch", "e1", "--json"});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(nlohmann::json::parse(result.out)["status"], "SUCCEEDED");
  EXPECT_THAT(result.err, StartsWith("expert: train (ppo) started\nexpert: SUCCEEDED in 1.00 s"));
}

TEST(ExperimentsWatch, FailsWithTheExperiment) {
  const FakeCoordinator coordinator({RunningExperiment(), FailedExperiment()});
  const CommandResult result = RunAt(coordinator, {"experiments", "watch", "e1"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.out, HasSubstr("FAILED"));
  EXPECT_THAT(result.err, HasSubstr("understudy: experiment cartpole FAILED: stage 1 (train expert): no luck\n"));
}

TEST(ExperimentsWatch, FollowsThroughTheCoordinatorsAbsence) {
  FakeCoordinator coordinator({RunningExperiment(), SucceededExperiment()});
  coordinator.Fail(2);
  const CommandResult result = RunAt(coordinator, {"experiments", "watch", "e1", "--json"});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(nlohmann::json::parse(result.out)["status"], "SUCCEEDED");
  EXPECT_THAT(result.err, AllOf(HasSubstr("connection is lost: coordinator at " + coordinator.address()),
                                HasSubstr("understudy: connected again\n")));
}

TEST(ExperimentsWatch, SaysHowToGoOnWithAnExperimentThatIsPaused) {
  v1::Experiment paused = RunningExperiment();
  paused.set_status(v1::STATUS_PAUSED);
  const FakeCoordinator coordinator({RunningExperiment(), paused});
  std::thread pauser([&] { RunAt(coordinator, {"experiments", "pause", "e1"}); });
  const CommandResult result = RunAt(coordinator, {"experiments", "watch", "e1"});
  pauser.join();
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.out, HasSubstr("(e1): PAUSED"));
  EXPECT_THAT(result.err,
              HasSubstr("understudy: experiment cartpole PAUSED: 'understudy experiments resume e1' goes on "
                        "with it\n"));
}

TEST(ExperimentsPause, ShowsTheExperimentAfterwards) {
  FakeCoordinator coordinator({RunningExperiment()});
  const CommandResult result = RunAt(coordinator, {"experiments", "pause", "e1", "--json"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["status"], "PAUSED");
  EXPECT_TRUE(coordinator.paused());
  EXPECT_FALSE(coordinator.cancelled());
}

TEST(ExperimentsResume, ShowsTheExperimentAfterwards) {
  FakeCoordinator coordinator({FailedExperiment()});
  const CommandResult result = RunAt(coordinator, {"experiments", "resume", "e1", "--json"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["status"], "RUNNING");
  EXPECT_TRUE(coordinator.resumed());
}

TEST(ExperimentsResume, SaysHowToFollow) {
  const FakeCoordinator coordinator({FailedExperiment()});
  const CommandResult result = RunAt(coordinator, {"experiments", "resume", "e1"});
  EXPECT_THAT(result.out, AllOf(HasSubstr("(e1): RUNNING"), HasSubstr("understudy experiments watch e1\n")));
}

TEST(ExperimentsResume, SaysWhyItWasRefused) {
  const FakeCoordinator coordinator({SucceededExperiment()});
  const CommandResult result = RunAt(coordinator, {"experiments", "resume", "e1"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_EQ(result.err, "understudy: experiment e1 has SUCCEEDED\n");
}

TEST(ExperimentsCancel, ShowsTheExperimentAfterwards) {
  FakeCoordinator coordinator({RunningExperiment()});
  const CommandResult result = RunAt(coordinator, {"experiments", "cancel", "e1", "--json"});
  EXPECT_EQ(result.exit_status, 0);
  EXPECT_EQ(nlohmann::json::parse(result.out)["status"], "CANCELLED");
  EXPECT_TRUE(coordinator.cancelled());
}

TEST(ExperimentsMetrics, PrintsALineForEachIteration) {
  const FakeCoordinator coordinator({RunningExperiment()});
  const CommandResult csv = RunAt(coordinator, {"experiments", "metrics", "e1"});
  EXPECT_EQ(csv.exit_status, 0) << csv.err;
  EXPECT_EQ(csv.out, "iteration,steps,mean_return,policy_loss\n1,1024,,0.5\n2,2048,21,0.25\n");
  const CommandResult json = RunAt(coordinator, {"experiments", "metrics", "e1", "--json"});
  const auto rows = nlohmann::json::parse(json.out);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1], nlohmann::json::parse(
                         R"({"iteration": 2, "steps": 2048, "metrics": {"mean_return": 21.0, "policy_loss": 0.25}})"));
}

TEST(ExperimentsMetrics, SaysThatThereIsNoSuchStage) {
  const FakeCoordinator coordinator({RunningExperiment()});
  const CommandResult result = RunAt(coordinator, {"experiments", "metrics", "e1", "--stage", "2"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.err, HasSubstr("stage: no such stage"));
}

TEST(WorkersList, SaysWhatEachWorksOn) {
  const FakeCoordinator coordinator({RunningExperiment()});
  EXPECT_EQ(RunAt(coordinator, {"workers", "list"}).out,
            "worker  kind     host       pid  works on            steps  silent\n"
            "------  -------  ---------  ---  -----------------  ------  ------\n"
            "w1      actor    somewhere   42  e1 stage 1         12,345  0.25 s\n"
            "w2      learner  somewhere   43  e1 stage 1 rank 1       0  0.00 s\n");
  const auto json = nlohmann::json::parse(RunAt(coordinator, {"workers", "list", "--json"}).out);
  ASSERT_EQ(json.size(), 2u);
  EXPECT_EQ(json[0]["stage"], 1) << "as everywhere, from 1";
  EXPECT_EQ(json[1]["rank"], 1);
  EXPECT_FALSE(json[0].contains("rank"));
  EXPECT_EQ(json[0]["kind"], "actor");
  EXPECT_EQ(json[0]["steps_produced"], 12345);
}

}  // namespace
}  // namespace understudy
