#include "cli/child_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::IsEmpty;

constexpr int kLongMs = 30'000;  // more than any of this takes; a test that waits for it has failed

bool WaitReadable(int fd) {
  pollfd waiting = {fd, POLLIN, 0};
  return poll(&waiting, 1, kLongMs) == 1;
}

ChildProcess StartShell(const std::string& script) {
  absl::StatusOr<ChildProcess> child = ChildProcess::Start("/bin/sh", {"-c", script});
  EXPECT_TRUE(child.ok()) << child.status();
  return *std::move(child);
}

std::vector<std::string> OutputOf(ChildProcess& child) {
  EXPECT_TRUE(WaitReadable(child.exit_fd()));
  return child.output().Read();
}

TEST(ChildProcess, ReportsHowItEnded) {
  ChildProcess child = StartShell("exit 7");
  ASSERT_TRUE(WaitReadable(child.exit_fd()));
  const std::optional<int> wait_status = child.Reap();
  ASSERT_TRUE(wait_status.has_value());
  EXPECT_EQ(DescribeWaitStatus(*wait_status), "exit status 7");
  EXPECT_EQ(child.Reap(), wait_status);
}

TEST(ChildProcess, HasNotEndedWhileItRuns) {
  ChildProcess child = StartShell("exec sleep 1000");
  EXPECT_FALSE(child.Reap().has_value());
  child.Signal(SIGTERM);
  ASSERT_TRUE(WaitReadable(child.exit_fd()));
  EXPECT_THAT(DescribeWaitStatus(child.Reap().value()), Eq("killed by SIGTERM (Terminated)"));
}

TEST(ChildProcess, SeparatesOutputFromErrors) {
  ChildProcess child = StartShell("echo result; echo complaint >&2");
  EXPECT_THAT(OutputOf(child), ElementsAre("result"));
  EXPECT_THAT(child.errors().Read(), ElementsAre("complaint"));
}

TEST(ChildProcess, HasNothingToRead) {
  ChildProcess child = StartShell("cat; echo end");
  EXPECT_THAT(OutputOf(child), ElementsAre("end"));
}

TEST(ChildProcess, PassesArgumentsAsTheyAre) {
  absl::StatusOr<ChildProcess> child = ChildProcess::Start("/bin/echo", {"a b", "$HOME", ""});
  ASSERT_TRUE(child.ok());
  EXPECT_THAT(OutputOf(*child), ElementsAre("a b $HOME "));
}

TEST(ChildProcess, HasNoSignalBlocked) {
  sigset_t mask, previous;
  sigemptyset(&mask);
  sigaddset(&mask, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &mask, &previous);
  ChildProcess child = StartShell("grep SigBlk /proc/self/status");
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  EXPECT_THAT(OutputOf(child), ElementsAre("SigBlk:\t0000000000000000"));
}

TEST(ChildProcess, IsAloneInItsProcessGroup) {
  ChildProcess child = StartShell("exec sleep 1000");
  EXPECT_EQ(getpgid(child.pid()), child.pid());
}

TEST(ChildProcess, NamesTheProgramThatCannotBeExecuted) {
  const absl::StatusOr<ChildProcess> child = ChildProcess::Start("/nowhere/program", {});
  EXPECT_EQ(child.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(child.status().message(), "cannot start /nowhere/program: No such file or directory");
}

TEST(ChildProcess, IsKilledAndReapedWithItsOwner) {
  pid_t pid;
  {
    const ChildProcess child = StartShell("exec sleep 1000");
    pid = child.pid();
  }
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

// Becomes the parent of its parent's orphans, so that it can see them die.
TEST(ChildProcess, DiesWithAParentThatIsKilled) {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    const absl::StatusOr<ChildProcess> child = ChildProcess::Start("/bin/sleep", {"1000"});
    const pid_t pid = child.ok() ? child->pid() : -1;
    if (write(ends[1], &pid, sizeof(pid)) != sizeof(pid)) _exit(1);
    pause();
    _exit(1);
  }
  pid_t orphan = 0;
  ASSERT_EQ(read(ends[0], &orphan, sizeof(orphan)), static_cast<ssize_t>(sizeof(orphan)));
  ASSERT_GT(orphan, 0);
  ASSERT_EQ(kill(parent, SIGKILL), 0);
  ASSERT_EQ(waitpid(parent, nullptr, 0), parent);

  int wait_status = 0;
  ASSERT_EQ(waitpid(orphan, &wait_status, 0), orphan);  // would last until the test's own time is over
  EXPECT_TRUE(WIFSIGNALED(wait_status));
  EXPECT_EQ(WTERMSIG(wait_status), SIGKILL);
  close(ends[0]);
  close(ends[1]);
}

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_NONBLOCK), 0);
    read = FileDescriptor(ends[0]);
    write = FileDescriptor(ends[1]);
  }
  void Write(const std::string& text) {
    EXPECT_EQ(::write(write.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  FileDescriptor read;
  FileDescriptor write;
};

TEST(LineReader, ReturnsAtOnceWhereThereIsNothing) {
  Pipe pipe;
  LineReader reader(std::move(pipe.read));
  EXPECT_THAT(reader.Read(), IsEmpty());
  EXPECT_NE(reader.fd(), -1);
}

TEST(LineReader, PutsALineTogetherFromItsPieces) {
  Pipe pipe;
  LineReader reader(std::move(pipe.read));
  pipe.Write("one\ntw");
  EXPECT_THAT(reader.Read(), ElementsAre("one"));
  pipe.Write("o\n\nthree\n");
  EXPECT_THAT(reader.Read(), ElementsAre("two", "", "three"));
}

TEST(LineReader, TakesAnUnfinishedLineAtTheEndForALine) {
  Pipe pipe;
  LineReader reader(std::move(pipe.read));
  pipe.Write("one\ntwo");
  pipe.write.Close();
  EXPECT_THAT(reader.Read(), ElementsAre("one", "two"));
  EXPECT_EQ(reader.fd(), -1);
  EXPECT_THAT(reader.Read(), IsEmpty());
}

TEST(LineReader, CutsALineThatDoesNotEnd) {
  Pipe pipe;
  LineReader reader(std::move(pipe.read));
  pipe.Write(std::string(LineReader::kMaxLineBytes + 1, 'x') + "\n");
  EXPECT_THAT(reader.Read(), ElementsAre(std::string(LineReader::kMaxLineBytes, 'x'), "x"));
}

}  // namespace
}  // namespace understudy
