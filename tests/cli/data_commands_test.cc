// experiments, datasets and policies, on a data directory without a coordinator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/snapshot/policy_snapshot.h"
#include "coordinator/storage/data_directory.h"
#include "tests/cli/command_result.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Dataset "d": three episodes of five steps; dataset "open", incomplete; policy "expert", versions 1 and 2.
class Data {
 public:
  Data() {
    auto directory = DataDirectory::Open(path(), DataDirectory::Mode::kCreate);
    EXPECT_TRUE(directory.ok()) << directory.status();
    Store& store = (*directory)->store();
    EXPECT_TRUE(testing::MakeCompleteDataset(store, "d", 3, 5).ok());
    EXPECT_TRUE(store.CreateDataset(testing::NewDataset("open")).ok());
    v1::StageKey origin;
    origin.set_experiment_id("e1");
    for (const int version : {1, 2})
      EXPECT_TRUE(store.AddPolicy(*testing::TestSnapshot("expert", version), origin).ok());
  }

  std::string path() const { return directory_.File("data"); }
  std::string File(const std::string& name) const { return directory_.File(name); }

  CommandResult Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--data_dir", path()});
    return RunCommand(std::move(arguments));
  }

 private:
  testing::TemporaryDirectory directory_;
};

std::string ExpectedDigest() { return ToHex(testing::ExpectedDigest({0, 1, 2}, 5)); }

TEST(DatasetsList, HasALineForEachDataset) {
  const Data data;
  const CommandResult result = data.Run({"datasets", "list"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr(ExpectedDigest().substr(0, 12)), HasSubstr("incomplete")));
  EXPECT_EQ(nlohmann::json::parse(data.Run({"datasets", "list", "--json"}).out).size(), 2u);
}

TEST(DatasetsShow, HasSizeDigestAndRecipe) {
  const Data data;
  const auto json = nlohmann::json::parse(data.Run({"datasets", "show", "d", "--json"}).out);
  EXPECT_EQ(json["complete"], true);
  EXPECT_EQ(json["episodes"], 3);
  EXPECT_EQ(json["transitions"], 15);
  EXPECT_EQ(json["digest"], ExpectedDigest());
  EXPECT_EQ(json["recipe"]["environment"], "CartPole-v1");
  EXPECT_EQ(json["recipe"]["policy"], "expert");
  EXPECT_EQ(json["recipe"]["actions"], "sample");
  EXPECT_THAT(data.Run({"datasets", "show", "d"}).out, HasSubstr(ExpectedDigest()));
}

TEST(DatasetsShow, NamesADatasetThatThereIsNot) {
  const CommandResult result = Data().Run({"datasets", "show", "nothing"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("understudy: "), HasSubstr("nothing")));
}

TEST(DatasetsDigest, PrintsTheDigestAlone) {
  const Data data;
  EXPECT_EQ(data.Run({"datasets", "digest", "d"}).out, ExpectedDigest() + "\n");
  EXPECT_EQ(nlohmann::json::parse(data.Run({"datasets", "digest", "d", "--json"}).out)["digest"], ExpectedDigest());
}

TEST(DatasetsVerify, FindsNothingWrongWithWhatWasStored) {
  const CommandResult result = Data().Run({"datasets", "verify", "d"});
  EXPECT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(result.out, "d: all of 3 episodes and 15 transitions are as they were written\n");
}

TEST(DatasetsExport, WritesEveryStepInTheOrderOfEpisodes) {
  const Data data;
  const CommandResult result =
      data.Run({"datasets", "export", "d", "--format", "jsonl", "--output", data.File("d.jsonl"), "--json"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["transitions"], 15);
  std::ifstream file(data.File("d.jsonl"));
  std::string line;
  for (int i = 0; i < 15; ++i) {
    ASSERT_TRUE(std::getline(file, line));
    const auto step = nlohmann::json::parse(line);
    EXPECT_EQ(step["episode"], i / 5);
    EXPECT_EQ(step["step"], i % 5);
    EXPECT_EQ(step["terminated"], i % 5 == 4);
    EXPECT_EQ(step["observation"].size(), 4u);
  }
  EXPECT_FALSE(std::getline(file, line));
}

TEST(DatasetsExport, WritesNothingButLinesToStandardOutput) {
  const CommandResult result = Data().Run({"datasets", "export", "d", "--format", "jsonl", "--output", "-"});
  ASSERT_EQ(result.exit_status, 0) << result.err;
  EXPECT_EQ(std::count(result.out.begin(), result.out.end(), '\n'), 15);
  EXPECT_EQ(result.out.rfind("{\"episode\":0,\"step\":0,", 0), 0u);
}

TEST(DatasetsExport, DoesNotReplaceAFileUnasked) {
  const Data data;
  std::ofstream(data.File("d.jsonl")) << "mine";
  const std::vector<std::string> command = {"datasets",          "export", "d", "--format", "jsonl", "--output",
                                            data.File("d.jsonl")};
  EXPECT_EQ(data.Run(command).exit_status, 1);
  std::vector<std::string> forced = command;
  forced.push_back("--force");
  EXPECT_EQ(data.Run(forced).exit_status, 0);
}

TEST(DatasetsExport, LeavesNothingOfADatasetThatIsNotComplete) {
  const Data data;
  const CommandResult result =
      data.Run({"datasets", "export", "open", "--format", "jsonl", "--output", data.File("out")});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.err, HasSubstr("open"));
  EXPECT_FALSE(std::filesystem::exists(data.File("out")));
  EXPECT_FALSE(std::filesystem::exists(data.File("out.tmp")));
}

TEST(DatasetsDelete, SaysWhatIsGone) {
  const Data data;
  EXPECT_EQ(data.Run({"datasets", "delete", "d"}).out, "deleted dataset d: 3 episodes, 15 transitions\n");
  EXPECT_EQ(data.Run({"datasets", "show", "d"}).exit_status, 1);
}

TEST(PoliciesList, HasALineForEachVersion) {
  const Data data;
  EXPECT_THAT(data.Run({"policies", "list"}).out, AllOf(HasSubstr("expert@1"), HasSubstr("expert@2")));
  EXPECT_EQ(nlohmann::json::parse(data.Run({"policies", "list", "--json"}).out).size(), 2u);
}

TEST(PoliciesShow, TakesTheLatestVersionOrTheOneNamed) {
  const Data data;
  const auto latest = nlohmann::json::parse(data.Run({"policies", "show", "expert", "--json"}).out);
  EXPECT_EQ(latest["version"], 2);
  EXPECT_EQ(latest["digest"], ToHex(testing::TestSnapshot("expert", 2)->Digest()));
  EXPECT_EQ(latest["experiment_id"], "e1");
  const auto first = nlohmann::json::parse(data.Run({"policies", "show", "expert@1", "--json"}).out);
  EXPECT_EQ(first["version"], 1);
  EXPECT_THAT(data.Run({"policies", "show", "expert@1"}).out, HasSubstr("stage 1 of experiment e1"));
}

TEST(PoliciesShow, NamesWhatThereIsNot) {
  const Data data;
  EXPECT_THAT(data.Run({"policies", "show", "expert@7"}).err, HasSubstr("expert"));
  EXPECT_THAT(data.Run({"policies", "show", "expert@x"}).err, HasSubstr("expert@x"));
}

// Experiments "old" and "new", which have finished, and "left", which its coordinator was killed in; "new" has metrics.
class ExperimentData {
 public:
  ExperimentData() {
    auto directory = DataDirectory::Open(path(), DataDirectory::Mode::kCreate);
    EXPECT_TRUE(directory.ok()) << directory.status();
    Store& store = (*directory)->store();
    const int64_t now = absl::ToUnixMillis(absl::Now());
    Put(store, "old", v1::STATUS_SUCCEEDED, 1000, 2000);
    Put(store, "left", v1::STATUS_RUNNING, 3000, 0);
    Put(store, "new", v1::STATUS_FAILED, now - 1000, now);
    for (const int iteration : {1, 2}) {
      v1::StageProgress progress;
      progress.set_iteration(iteration);
      progress.set_steps(100 * iteration);
      (*progress.mutable_metrics())["loss"] = 0.5;
      EXPECT_TRUE(store.PutMetrics("new", 0, progress).ok());
    }
  }

  std::string path() const { return directory_.File("data"); }

  CommandResult Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--data_dir", path()});
    return RunCommand(std::move(arguments));
  }

  std::vector<std::string> Ids(std::vector<std::string> options = {}) const {
    options.insert(options.begin(), {"experiments", "list", "--json"});
    std::vector<std::string> ids;
    for (const auto& experiment : nlohmann::json::parse(Run(std::move(options)).out)) ids.push_back(experiment["id"]);
    return ids;
  }

 private:
  static void Put(Store& store, const std::string& id, v1::Status status, int64_t submitted, int64_t finished) {
    v1::Experiment experiment;
    experiment.set_id(id);
    experiment.mutable_spec()->set_name("cartpole");
    experiment.mutable_spec()->add_stages()->mutable_collect()->set_dataset("d");
    experiment.set_status(status);
    experiment.set_submitted_unix_ms(submitted);
    experiment.set_finished_unix_ms(finished);
    experiment.add_stages()->set_status(status);
    EXPECT_TRUE(store.PutExperiment(experiment, "").ok());
  }

  testing::TemporaryDirectory directory_;
};

TEST(ExperimentsOfADirectory, AreListedShownAndHaveTheirCurves) {
  const ExperimentData data;
  EXPECT_THAT(data.Ids(), ElementsAre("new", "left", "old"));
  EXPECT_THAT(data.Ids({"--unfinished"}), ElementsAre("left"));
  EXPECT_THAT(data.Run({"experiments", "show", "new"}).out, HasSubstr("FAILED"));
  EXPECT_EQ(data.Run({"experiments", "metrics", "new"}).out, "iteration,steps,loss\n1,100,0.5\n2,200,0.5\n");
  EXPECT_EQ(nlohmann::json::parse(data.Run({"experiments", "metrics", "new", "--json"}).out)[1]["steps"], 200);
  EXPECT_EQ(data.Run({"experiments", "metrics", "old", "--json"}).out, "[]\n");
}

TEST(ExperimentsOfADirectory, AreListedAsFarAsAsked) {
  const ExperimentData data;
  const CommandResult cut = data.Run({"experiments", "list", "--limit", "2"});
  EXPECT_EQ(cut.exit_status, 0) << cut.err;
  EXPECT_THAT(cut.out, AllOf(HasSubstr("new"), HasSubstr("left"), Not(HasSubstr("old "))));
  EXPECT_THAT(cut.err, AllOf(HasSubstr("more than these 2 experiments"), HasSubstr("--all")));
  EXPECT_EQ(data.Run({"experiments", "list", "--limit", "3"}).err, "");
  EXPECT_EQ(data.Run({"experiments", "list", "--all"}).err, "");
  EXPECT_EQ(data.Run({"experiments", "list", "--limit", "0"}).exit_status, 2);
}

TEST(ExperimentsOfADirectory, AreCancelledThenDeleted) {
  const ExperimentData data;
  const CommandResult unfinished = data.Run({"experiments", "delete", "old", "left"});
  EXPECT_EQ(unfinished.exit_status, 1);
  EXPECT_THAT(unfinished.err, AllOf(HasSubstr("left"), HasSubstr("cancel it first")));
  EXPECT_THAT(data.Run({"experiments", "cancel", "left"}).out, HasSubstr("CANCELLED"));
  EXPECT_EQ(data.Run({"experiments", "delete", "old", "left"}).out, "deleted 2 experiments\n");
  EXPECT_THAT(data.Ids(), ElementsAre("new"));
}

TEST(ExperimentsOfADirectory, ArePrunedByAge) {
  const ExperimentData data;
  EXPECT_EQ(data.Run({"experiments", "prune", "--older_than", "30d"}).out, "deleted 1 experiment\n");
  EXPECT_THAT(data.Ids(), ElementsAre("new", "left"));
  EXPECT_EQ(nlohmann::json::parse(data.Run({"experiments", "prune", "--older_than", "0s", "--json"}).out)["deleted"],
            1);
  EXPECT_THAT(data.Ids(), ElementsAre("left"));
  for (const char* age : {"30", "d", "-1d", "1.5d", "30 d", "99999999999999999999d"}) {
    EXPECT_EQ(data.Run({"experiments", "prune", "--older_than", age}).exit_status, 2) << age;
  }
}

TEST(ExperimentsOfADirectory, AreNotChangedBesideWhoeverHoldsIt) {
  const ExperimentData data;
  const auto holder = DataDirectory::Open(data.path(), DataDirectory::Mode::kWrite).value();
  EXPECT_THAT(data.Ids(), ElementsAre("new", "left", "old"));
  const CommandResult result = data.Run({"experiments", "cancel", "left"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.err, AllOf(HasSubstr("in use"), HasSubstr("--coordinator")));
}

TEST(ExperimentsOfADirectory, KeepTheirDatasetsFromBeingFinished) {
  const ExperimentData data;
  const CommandResult result = data.Run({"datasets", "finish", "d"});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.err, HasSubstr("in use by experiment left"));
}

TEST(DatasetsFinish, MakesACompleteDatasetOfWhatIsThere) {
  const Data data;
  const CommandResult before = data.Run({"datasets", "verify", "open"});
  EXPECT_EQ(before.exit_status, 0);
  EXPECT_THAT(before.err, HasSubstr("dataset open is incomplete: 0 of 1,000 transitions"));
  EXPECT_EQ(data.Run({"datasets", "finish", "open"}).exit_status, 1);
  {
    const auto directory = DataDirectory::Open(data.path(), DataDirectory::Mode::kWrite).value();
    ASSERT_TRUE(testing::Append(directory->store(), "open", {0, 1, 3}, 5).ok());
  }
  for (const char* command : {"verify", "digest"}) {
    const CommandResult result = data.Run({"datasets", command, "open", "--json"});
    const auto json = nlohmann::json::parse(result.out);
    EXPECT_EQ(json["complete"], false) << command;
    EXPECT_EQ(json["incomplete"]["found"], 15);
    EXPECT_EQ(json["incomplete"]["expected"], 1000);
    EXPECT_EQ(json["incomplete"]["unit"], "transitions");
    EXPECT_THAT(result.err, HasSubstr("incomplete"));
  }
  const auto finished = nlohmann::json::parse(data.Run({"datasets", "finish", "open", "--json"}).out);
  EXPECT_EQ(finished["complete"], true);
  EXPECT_EQ(finished["episodes"], 2);
  EXPECT_EQ(finished["digest"], ToHex(testing::ExpectedDigest({0, 1}, 5)));
  const CommandResult after = data.Run({"datasets", "verify", "open", "--json"});
  EXPECT_EQ(after.err, "");
  EXPECT_EQ(nlohmann::json::parse(after.out)["complete"], true);
}

TEST(PoliciesDelete, TakesAVersionOrAllOfThem) {
  const Data data;
  EXPECT_EQ(data.Run({"policies", "delete", "expert@1"}).out, "deleted 1 policy version\n");
  EXPECT_EQ(data.Run({"policies", "delete", "expert@1"}).exit_status, 1);
  EXPECT_EQ(data.Run({"policies", "delete", "expert"}).out, "deleted 1 policy version\n");
  EXPECT_EQ(data.Run({"policies", "list"}).out, "no policies\n");
}

TEST(PoliciesPrune, KeepsTheLatestOfEachName) {
  const Data data;
  EXPECT_EQ(data.Run({"policies", "prune", "--older_than", "1h"}).out, "deleted 0 policy versions\n");
  EXPECT_EQ(data.Run({"policies", "prune", "--older_than", "0s"}).out, "deleted 1 policy version\n");
  EXPECT_THAT(data.Run({"policies", "list"}).out, AllOf(HasSubstr("expert@2"), Not(HasSubstr("expert@1"))));
}

// Sets a variable for as long as it lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) { setenv(name, value.c_str(), 1); }
  ~Variable() { unsetenv(name_); }

 private:
  const char* const name_;
};

TEST(DataDirectoryOption, IsTakenFromTheEnvironmentUnlessACoordinatorIsNamed) {
  const ExperimentData data;
  const Variable directory("UNDERSTUDY_DATA_DIR", data.path());
  EXPECT_THAT(RunCommand({"experiments", "list"}).out, HasSubstr("left"));
  const CommandResult named = RunCommand({"experiments", "list", "--coordinator", "127.0.0.1:1"});
  EXPECT_EQ(named.exit_status, 1);
  EXPECT_THAT(named.err, HasSubstr("127.0.0.1:1"));
  const Variable coordinator("UNDERSTUDY_COORDINATOR", "127.0.0.1:2");
  EXPECT_THAT(RunCommand({"experiments", "list"}).err, HasSubstr("127.0.0.1:2"));
  EXPECT_THAT(data.Run({"experiments", "list"}).out, HasSubstr("left"));
}

TEST(DataDirectoryOption, NamesADirectoryThatIsNone) {
  const testing::TemporaryDirectory directory;
  const CommandResult result = RunCommand({"datasets", "list", "--data_dir", directory.File("nothing")});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.err, HasSubstr(directory.File("nothing")));
  EXPECT_FALSE(std::filesystem::exists(directory.File("nothing")));
}

}  // namespace
}  // namespace understudy
