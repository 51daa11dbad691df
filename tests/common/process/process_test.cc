#include "common/process/process.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

namespace understudy {
namespace {

TEST(RaiseOpenFileLimit, RaisesTheSoftLimitToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 64;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(RaiseOpenFileLimit(), before.rlim_max);
  rlimit after{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  EXPECT_EQ(after.rlim_max, before.rlim_max);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
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
