#include "cli/result_directory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy {
namespace {

namespace fs = std::filesystem;

// The working directory, while it lives.
class WorkingDirectory {
 public:
  WorkingDirectory() : previous_(fs::current_path()) { fs::current_path(directory_.path()); }
  ~WorkingDirectory() { fs::current_path(previous_); }

 private:
  testing::TemporaryDirectory directory_;
  fs::path previous_;
};

const absl::Time kNow = absl::FromUnixSeconds(1769903999);  // 2026-01-31 23:59:59 UTC

TEST(ResultDirectory, IsNamedAfterExperimentTimeAndProcess) {
  const WorkingDirectory working;
  EXPECT_EQ(ResultDirectory("", "cartpole", kNow).path(),
            "understudy-data/cartpole-20260131-235959-" + std::to_string(getpid()));
}

TEST(ResultDirectory, TakesWhatItMadeAway) {
  const WorkingDirectory working;
  {
    const ResultDirectory directory("", "cartpole", kNow);
    fs::create_directories(directory.path());
    std::ofstream(directory.path() + "/store") << "x";
  }
  EXPECT_FALSE(fs::exists("understudy-data"));
}

TEST(ResultDirectory, LeavesWhatIsKept) {
  const WorkingDirectory working;
  std::string path;
  {
    ResultDirectory directory("", "cartpole", kNow);
    path = directory.path();
    fs::create_directories(path);
    directory.Keep();
  }
  EXPECT_TRUE(fs::exists(path));
}

TEST(ResultDirectory, LeavesOtherRunsAlone) {
  const WorkingDirectory working;
  {
    const ResultDirectory directory("", "cartpole", kNow);
    fs::create_directories("understudy-data/another");
  }
  EXPECT_TRUE(fs::exists("understudy-data/another"));
}

TEST(ResultDirectory, LeavesWhatWasThereBefore) {
  const WorkingDirectory working;
  fs::create_directory("mine");
  ResultDirectory("mine", "cartpole", kNow);
  EXPECT_TRUE(fs::exists("mine"));
}

TEST(ResultDirectory, TakesParentsAwayThatWereMissing) {
  const WorkingDirectory working;
  fs::create_directory("mine");
  {
    const ResultDirectory directory("mine/a/b/", "cartpole", kNow);
    fs::create_directories(directory.path());
  }
  EXPECT_TRUE(fs::exists("mine"));
  EXPECT_FALSE(fs::exists("mine/a"));
}

}  // namespace
}  // namespace understudy
