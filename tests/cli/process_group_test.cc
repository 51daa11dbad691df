#include "cli/process_group.h"

#include <gtest/gtest.h>
#include <signal.h>

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
  const auto group = MakeGroup();
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    raise(number);
    EXPECT_EQ(Next(*group).kind, Kind::kSignal) << number;
  }
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
