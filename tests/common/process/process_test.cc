#include "common/process/process.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "common/process/log_fields.h"

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

TEST(TerminationSignals, ReturnsTheSignalThatCame) {
  TerminationSignals signals;
  for (const int signal : {SIGTERM, SIGINT, SIGTERM}) {
    ASSERT_EQ(kill(getpid(), signal), 0);
    EXPECT_EQ(signals.Wait(), signal);
  }
}

TEST(TerminationSignals, ReturnsZeroOnceForAWakeBeforehand) {
  TerminationSignals signals;
  signals.Wake();
  signals.Wake();
  EXPECT_EQ(signals.Wait(), 0);
  // The second wake is spent too: only the signal ends this.
  ASSERT_EQ(kill(getpid(), SIGTERM), 0);
  EXPECT_EQ(signals.Wait(), SIGTERM);
}

TEST(TerminationSignals, WaitsForSoLong) {
  TerminationSignals signals;
  EXPECT_EQ(signals.WaitFor(absl::Milliseconds(20)), std::nullopt);
  ASSERT_EQ(kill(getpid(), SIGTERM), 0);
  EXPECT_EQ(signals.WaitFor(absl::Minutes(1)), SIGTERM);
  signals.Wake();
  EXPECT_EQ(signals.WaitFor(absl::Minutes(1)), 0);
  EXPECT_EQ(signals.WaitFor(absl::ZeroDuration()), std::nullopt);
}

TEST(TerminationSignals, IsWokenFromAnotherThread) {
  TerminationSignals signals;
  std::thread waker([&] { signals.Wake(); });
  EXPECT_EQ(signals.Wait(), 0);
  waker.join();
}

TEST(TerminationSignals, KeepsSignalsFromThreadsThatStartLater) {
  TerminationSignals signals;
  std::thread sender([] { kill(getpid(), SIGINT); });
  EXPECT_EQ(signals.Wait(), SIGINT);
  sender.join();
}

TEST(TerminationSignals, MakesABrokenPipeAnErrorInsteadOfTheEnd) {
  const TerminationSignals signals;
  std::array<int, 2> ends;
  ASSERT_EQ(pipe(ends.data()), 0);
  close(ends[0]);
  EXPECT_EQ(write(ends[1], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  close(ends[1]);
}

TEST(ExitWithin, EndsAProcessThatHangsSayingSo) {
  EXPECT_EXIT(
      {
        ExitWithin(absl::Hours(1));
        ExitWithin(absl::Milliseconds(50));
        while (true) pause();
      },
      ::testing::ExitedWithCode(0), "not ended in time, exiting");
}

}  // namespace
}  // namespace understudy
