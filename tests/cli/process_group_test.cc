#include "cli/process_group.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

#include "absl/time/clock.h"

namespace understudy {
namespace {

using Kind = ProcessEvent::Kind;

const absl::Duration kLong = absl::Seconds(30);  // a test that waits for it has failed

std::unique_ptr<ProcessGroup> MakeGroup() {
  absl::StatusOr<std::unique_ptr<ProcessGroup>> group = ProcessGroup::Make();
  EXPECT_TRUE(group.ok()) << group.status();
  return *std::move(group);
}

int StartShell(ProcessGroup& group, const std::string& script) {
  const absl::StatusOr<int> child = group.Start("/bin/sh", {"-c", script});
  EXPECT_TRUE(child.ok()) << child.status();
  return child.value_or(-1);
}

ProcessEvent Next(ProcessGroup& group) { return group.Next(absl::Now() + kLong); }

TEST(ProcessGroup, NumbersChildrenFromZero) {
  const auto group = MakeGroup();
  EXPECT_EQ(StartShell(*group, "exit 0"), 0);
  EXPECT_EQ(StartShell(*group, "exit 0"), 1);
}

TEST(ProcessGroup, ReportsAllThatAChildWroteBeforeItsEnd) {
  const auto group = MakeGroup();
  StartShell(*group, "echo last words >&2; exit 3");
  const ProcessEvent line = Next(*group);
  EXPECT_EQ(line.kind, Kind::kError);
  EXPECT_EQ(line.child, 0);
  EXPECT_EQ(line.text, "last words");
  const ProcessEvent exit = Next(*group);
  EXPECT_EQ(exit.kind, Kind::kExit);
  EXPECT_EQ(exit.child, 0);
  EXPECT_EQ(exit.text, "exit status 3");
  EXPECT_FALSE(exit.killed);
}

TEST(ProcessGroup, NamesTheSignalThatHasEndedAChild) {
  const auto group = MakeGroup();
  StartShell(*group, "kill -SEGV $$");
  const ProcessEvent exit = Next(*group);
  EXPECT_EQ(exit.text, "killed by SIGSEGV (Segmentation fault)");
  EXPECT_TRUE(exit.killed);
}

TEST(ProcessGroup, ReportsAnEndOnce) {
  const auto group = MakeGroup();
  StartShell(*group, "exit 0");
  EXPECT_EQ(Next(*group).kind, Kind::kExit);
  EXPECT_EQ(group->Next(absl::Now()).kind, Kind::kTimeout);
}

TEST(ProcessGroup, ReplacesAChildThatHasEndedUnderItsNumber) {
  const auto group = MakeGroup();
  StartShell(*group, "exit 3");
  ASSERT_EQ(Next(*group).kind, Kind::kExit);
  ASSERT_TRUE(group->Replace(0, "/bin/sh", {"-c", "echo again; exit 4"}).ok());
  const ProcessEvent line = Next(*group);
  EXPECT_EQ(line.kind, Kind::kOutput);
  EXPECT_EQ(line.child, 0);
  EXPECT_EQ(line.text, "again");
  const ProcessEvent exit = Next(*group);
  EXPECT_EQ(exit.kind, Kind::kExit);
  EXPECT_EQ(exit.child, 0);
  EXPECT_EQ(exit.text, "exit status 4");
}

TEST(ProcessGroup, SaysWhichProgramCannotReplaceAChild) {
  const auto group = MakeGroup();
  StartShell(*group, "exit 0");
  ASSERT_EQ(Next(*group).kind, Kind::kExit);
  EXPECT_EQ(group->Replace(0, "/nowhere/at/all", {}).message(),
            "cannot start /nowhere/at/all: No such file or directory");
}

TEST(ProcessGroup, GivesUpAtTheDeadline) {
  const auto group = MakeGroup();
  StartShell(*group, "exec sleep 1000");
  EXPECT_EQ(group->Next(absl::Now() + absl::Milliseconds(1)).kind, Kind::kTimeout);
}

TEST(ProcessGroup, IsWokenFromAnotherThread) {
  const auto group = MakeGroup();
  std::thread waker([&group] { group->Wake(); });
  EXPECT_EQ(Next(*group).kind, Kind::kWake);
  waker.join();
  EXPECT_EQ(group->Next(absl::Now()).kind, Kind::kTimeout);
}

TEST(ProcessGroup, TurnsSignalsIntoEvents) {
  signal(SIGHUP, SIG_DFL);
  const auto group = MakeGroup();
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {  // not ignored, as under nohup
    raise(number);
    EXPECT_EQ(Next(*group).kind, Kind::kSignal) << number;
  }
}

TEST(ProcessGroup, LeavesAHangupThatIsIgnoredAlone) {
  signal(SIGHUP, SIG_IGN);
  {
    const auto group = MakeGroup();
    raise(SIGHUP);
    EXPECT_EQ(group->Next(absl::Now()).kind, Kind::kTimeout);
  }
  signal(SIGHUP, SIG_DFL);
}

// The state that /proc has of a process: T is stopped.
char StateOf(pid_t pid) {
  std::string line;
  std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/stat"), line);
  return line.at(line.rfind(')') + 2);
}

// A signal takes effect when the process is scheduled next, and a grandchild cannot tell us that it has.
bool BecomesStopped(pid_t pid) {
  const absl::Time deadline = absl::Now() + kLong;
  while (StateOf(pid) != 'T') {
    if (absl::Now() > deadline) return false;
    sched_yield();
  }
  return true;
}

TEST(ProcessGroup, StopsWithItsChildrenAtCtrlZAndGoesOnWithThem) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t stopped = fork();
  if (stopped == 0) {
    auto group = MakeGroup();
    StartShell(*group, "trap 'echo ended; exit 0' USR1; echo $$; while :; do sleep 0.01; done");
    const ProcessEvent ready = Next(*group);
    const pid_t child = std::stoi(ready.text);
    if (write(ends[1], &child, sizeof(child)) != sizeof(child)) _exit(2);
    // Nothing happens but the signal, until it is continued and ended.
    _exit(Next(*group).kind == Kind::kOutput && Next(*group).kind == Kind::kExit ? 0 : 1);
  }
  pid_t child = 0;
  ASSERT_EQ(read(ends[0], &child, sizeof(child)), static_cast<ssize_t>(sizeof(child)));
  kill(stopped, SIGTSTP);
  int wait_status = 0;
  ASSERT_EQ(waitpid(stopped, &wait_status, WUNTRACED), stopped);
  EXPECT_TRUE(WIFSTOPPED(wait_status));
  EXPECT_TRUE(BecomesStopped(child));
  kill(stopped, SIGCONT);
  kill(child, SIGUSR1);
  ASSERT_EQ(waitpid(stopped, &wait_status, 0), stopped);
  EXPECT_EQ(wait_status, 0);
}

TEST(ProcessGroup, UnblocksSignalsAtItsEnd) {
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  MakeGroup();
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

TEST(ProcessGroup, StopsChildrenThatListenToSigterm) {
  const auto group = MakeGroup();
  StartShell(*group, "trap 'echo bye >&2; exit 0' TERM; echo ready; while :; do :; done");
  StartShell(*group, "exec sleep 1000");
  ASSERT_EQ(Next(*group).text, "ready");
  std::string words;
  int exits = 0;
  group->Stop(kLong, [&](const ProcessEvent& event) {
    if (event.kind == Kind::kError) words = event.text;
    if (event.kind == Kind::kExit) ++exits;
  });
  EXPECT_EQ(words, "bye");
  EXPECT_EQ(exits, 2);
}

TEST(ProcessGroup, KillsChildrenThatDoNotListen) {
  const auto group = MakeGroup();
  StartShell(*group, "trap '' TERM; echo $$; exec sleep 1000");
  const ProcessEvent ready = Next(*group);
  ASSERT_EQ(ready.kind, Kind::kOutput);
  group->Stop(absl::Milliseconds(1), [](const ProcessEvent&) {});
  EXPECT_EQ(kill(std::stoi(ready.text), 0), -1);
}

TEST(ProcessGroup, LosesPatienceAtASignal) {
  const auto group = MakeGroup();
  StartShell(*group, "trap '' TERM; echo ready; exec sleep 1000");
  ASSERT_EQ(Next(*group).text, "ready");
  raise(SIGINT);
  bool timeout = false;
  group->Stop(kLong, [&timeout](const ProcessEvent& event) { timeout |= event.kind == Kind::kTimeout; });
  EXPECT_FALSE(timeout);
}

}  // namespace
}  // namespace understudy
