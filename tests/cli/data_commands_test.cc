// datasets and policies, on a data directory without a coordinator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/snapshot/policy_snapshot.h"
#include "coordinator/storage/data_directory.h"
#include "tests/cli/command_result.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

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

TEST(DataDirectoryOption, NamesADirectoryThatIsNone) {
  const testing::TemporaryDirectory directory;
  const CommandResult result = RunCommand({"datasets", "list", "--data_dir", directory.File("nothing")});
  EXPECT_EQ(result.exit_status, 1);
  EXPECT_THAT(result.err, HasSubstr(directory.File("nothing")));
  EXPECT_FALSE(std::filesystem::exists(directory.File("nothing")));
}

}  // namespace
}  // namespace understudy
