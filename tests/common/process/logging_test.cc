#include "common/process/logging.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <cstdlib>
#include <thread>

namespace understudy {
namespace {

TEST(InitLogging, WritesTimeLevelProgramAndMessageToStderr) {
  EXPECT_EXIT(
      {
        InitLogging("some-program", {});
        spdlog::warn("all is {}", "well");
        std::exit(0);
      },
      ::testing::ExitedWithCode(0),
      "^[0-9]+-[0-9]+-[0-9]+ [0-9]+:[0-9]+:[0-9]+\\.[0-9]+ warning some-program: all is well\n$");
}

TEST(InitLogging, WritesAnObjectALineWithWhatTheLineIsAbout) {
  EXPECT_EXIT(
      {
        InitLogging("some-program", {.format = "json"});
        SetLogWorker("host-1");
        const LogScope scope({.experiment = "cartpole-1", .epoch = 7});
        spdlog::error("a \"quote\",\nand \xff no UTF-8");
        std::exit(0);
      },
      ::testing::ExitedWithCode(0),
      "^.\"time\":\"[0-9-]+T[0-9:.]+.00:00\",\"level\":\"error\",\"process\":\"some-program\","
      "\"message\":\"a ..quote..,.nand .+ no UTF-8\","
      "\"experiment\":\"cartpole-1\",\"epoch\":7,\"worker\":\"host-1\".\n$");
}

TEST(InitLogging, LeavesOutWhatIsBelowTheLevel) {
  const auto log_all_levels = [](const char* level) {
    InitLogging("p", {.level = level});
    spdlog::debug("D");
    spdlog::info("I");
    spdlog::warn("W");
    spdlog::error("E");
    std::exit(0);
  };
  EXPECT_EXIT(log_all_levels("debug"), ::testing::ExitedWithCode(0), "p: D\n.*p: I\n.*p: W\n.*p: E\n$");
  EXPECT_EXIT(log_all_levels("info"), ::testing::ExitedWithCode(0), "^[^\n]*p: I\n[^\n]*p: W\n[^\n]*p: E\n$");
  EXPECT_EXIT(log_all_levels("warning"), ::testing::ExitedWithCode(0), "^[^\n]*p: W\n[^\n]*p: E\n$");
  EXPECT_EXIT(log_all_levels("error"), ::testing::ExitedWithCode(0), "^[^\n]*p: E\n$");
}

TEST(LogFields, AreThoseOfTheInnermostScopeAndOfWhatIsAroundIt) {
  EXPECT_EQ(CurrentLogFields().experiment, "");
  {
    const LogScope outer({.experiment = "one", .epoch = 3});
    {
      const LogScope inner({.epoch = 4, .worker = "a"});
      EXPECT_EQ(CurrentLogFields().experiment, "one");
      EXPECT_EQ(CurrentLogFields().epoch, 4);
      EXPECT_EQ(CurrentLogFields().worker, "a");
    }
    EXPECT_EQ(CurrentLogFields().epoch, 3);
    EXPECT_EQ(CurrentLogFields().worker, "");
  }
  EXPECT_EQ(CurrentLogFields().epoch, 0);
}

TEST(LogFields, AreAThreadsOwnButForTheProcesssWorker) {
  const LogScope scope({.experiment = "one"});
  SetLogWorker("me");
  LogFields elsewhere;
  std::thread([&] { elsewhere = CurrentLogFields(); }).join();
  EXPECT_EQ(elsewhere.experiment, "");
  EXPECT_EQ(elsewhere.worker, "me");
  EXPECT_EQ(CurrentLogFields().worker, "me");
  const LogScope other({.worker = "another"});
  EXPECT_EQ(CurrentLogFields().worker, "another");
  SetLogWorker("");
}

}  // namespace
}  // namespace understudy
