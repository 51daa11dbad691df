#include "cli/local_cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

#include "absl/time/clock.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;

// Programs that are shell scripts, and a cluster of them.
class Scripts {
 public:
  Scripts() {
    for (const char* name : {"learner", "actor"}) Set(name, "echo $@; exec sleep 1000");
    Set("coordinator", "echo $@ > $(dirname $0)/arguments; echo listening on 127.0.0.1:7; exec sleep 1000");
    auto group = ProcessGroup::Make();
    EXPECT_TRUE(group.ok()) << group.status();
    processes = *std::move(group);
  }

  std::string Path(const std::string& name) const { return directory_.File("understudy-" + name); }

  void Set(const std::string& name, const std::string& script) {
    const std::string path = Path(name);
    std::ofstream(path) << "#!/bin/sh\n" << script << '\n';
    EXPECT_EQ(chmod(path.c_str(), 0700), 0);
  }

  absl::StatusOr<LocalCluster> Start(int learners = 1) {
    return LocalCluster::Start(*processes, {.program_directory = directory_.path(),
                                            .data_directory = "data",
                                            .learners = learners,
                                            .actors = 2,
                                            .log_level = "error",
                                            .log = [this](std::string_view line) { logged.emplace_back(line); }});
  }

  std::string CoordinatorArguments() const {
    std::string line;
    std::ifstream file(directory_.File("arguments"));
    std::getline(file, line);
    return line;
  }

  std::unique_ptr<ProcessGroup> processes;
  std::vector<std::string> logged;

 private:
  testing::TemporaryDirectory directory_;
};

TEST(LocalCluster, TellsEachProcessWhatItNeeds) {
  Scripts scripts;
  const auto cluster = scripts.Start();
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_EQ(cluster->address(), "127.0.0.1:7");
  EXPECT_EQ(scripts.CoordinatorArguments(),
            "--listen 127.0.0.1:0 --data_dir data --log_level error --for_run --pause_unfinished");
  std::map<int, std::string> arguments;  // of learner and actors, which print them
  while (arguments.size() < 3) {
    const ProcessEvent event = scripts.processes->Next(absl::Now() + absl::Seconds(30));
    ASSERT_EQ(event.kind, ProcessEvent::Kind::kOutput);
    arguments[event.child] = event.text;
  }
  EXPECT_EQ(arguments[1], "--coordinator 127.0.0.1:7 --listen 127.0.0.1:0 --log_level error");
  EXPECT_EQ(arguments[2], "--coordinator 127.0.0.1:7 --log_level error");
  EXPECT_EQ(arguments[3], arguments[2]);
}

TEST(LocalCluster, StartsAsManyLearnersAsItIsToldTo) {
  Scripts scripts;
  const auto cluster = scripts.Start(3);
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  std::map<int, std::string> arguments;
  while (arguments.size() < 5) {
    const ProcessEvent event = scripts.processes->Next(absl::Now() + absl::Seconds(30));
    ASSERT_EQ(event.kind, ProcessEvent::Kind::kOutput);
    arguments[event.child] = event.text;
  }
  for (int learner = 1; learner <= 3; ++learner) {
    EXPECT_EQ(arguments[learner], "--coordinator 127.0.0.1:7 --listen 127.0.0.1:0 --log_level error");
  }
  EXPECT_EQ(arguments[4], "--coordinator 127.0.0.1:7 --log_level error");
}

TEST(LocalCluster, LogsWhatTheCoordinatorSaysButForItsLastWords) {
  Scripts scripts;
  scripts.Set("coordinator", "echo first >&2; echo 'understudy-coordinator: last' >&2; exit 1");
  EXPECT_EQ(scripts.Start().status().message(), "last");
  EXPECT_THAT(scripts.logged, ElementsAre("first"));
}

TEST(LocalCluster, NamesTheSignalAndTheErrorOfACoordinatorThatDoesNotStart) {
  Scripts scripts;
  scripts.Set("coordinator", "echo '2026-01-31 23:59:59.000 error understudy-coordinator: no memory' >&2; kill -9 $$");
  EXPECT_EQ(scripts.Start().status().message(),
            "understudy-coordinator has ended before it listened: killed by SIGKILL (Killed): no memory");
}

TEST(LocalCluster, WaitsAsLongAsTheCoordinatorDoesAndSaysForWhom) {
  Scripts scripts;
  scripts.Set("coordinator",
              "echo waiting for process 17 on here, which uses data directory data; echo listening on 127.0.0.1:7; "
              "exec sleep 1000");
  ASSERT_TRUE(scripts.Start().ok());
  EXPECT_THAT(scripts.logged,
              ElementsAre("understudy: waiting for process 17 on here, which uses data directory data"));
}

TEST(LocalCluster, LogsWarningsOfACoordinatorThatStarts) {
  Scripts scripts;
  scripts.Set("coordinator", "echo careful >&2; echo listening on 127.0.0.1:7; exec sleep 1000");
  ASSERT_TRUE(scripts.Start().ok());
  std::vector<std::string> all = scripts.logged;  // or it comes after the line on standard output
  while (all.empty()) {
    const ProcessEvent event = scripts.processes->Next(absl::Now() + absl::Seconds(30));
    ASSERT_NE(event.kind, ProcessEvent::Kind::kTimeout);
    if (event.kind == ProcessEvent::Kind::kError) all.push_back(event.text);
  }
  EXPECT_THAT(all, ElementsAre("careful"));
}

// Takes events until a child says `text` on its standard output.
absl::Status SuperviseUntil(Scripts& scripts, LocalCluster& cluster, const std::string& text) {
  while (true) {
    const ProcessEvent event = scripts.processes->Next(absl::Now() + absl::Seconds(30));
    if (event.kind == ProcessEvent::Kind::kTimeout) return absl::DeadlineExceededError("nothing happens");
    if (event.kind == ProcessEvent::Kind::kOutput && event.text == text) return absl::OkStatus();
    if (absl::Status status = cluster.Supervise(event); !status.ok()) return status;
  }
}

TEST(LocalCluster, StartsAgainWhatHasEnded) {
  Scripts scripts;
  scripts.Set("learner", "if mkdir $0.lived 2>/dev/null; then exit 3; fi; echo again $@; exec sleep 1000");
  auto cluster = scripts.Start();
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  const absl::Status status =
      SuperviseUntil(scripts, *cluster, "again --coordinator 127.0.0.1:7 --listen 127.0.0.1:0 --log_level error");
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_THAT(scripts.logged, ElementsAre("understudy: warning: understudy-learner has ended unexpectedly: exit status "
                                          "3; it is started again"));
}

TEST(LocalCluster, StartsTheCoordinatorAgainOnItsAddress) {
  Scripts scripts;
  scripts.Set("coordinator",
              "echo listening on 127.0.0.1:7; if mkdir $0.lived 2>/dev/null; then kill -9 $$; fi; "
              "echo $@; exec sleep 1000");
  auto cluster = scripts.Start();
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  const absl::Status status =
      SuperviseUntil(scripts, *cluster, "--listen 127.0.0.1:7 --data_dir data --log_level error --for_run");
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(cluster->address(), "127.0.0.1:7");
  EXPECT_THAT(scripts.logged, ElementsAre("understudy: warning: understudy-coordinator has ended unexpectedly: killed "
                                          "by SIGKILL (Killed); it is started again"));
}

TEST(LocalCluster, GivesUpOnAProcessThatKeepsEnding) {
  Scripts scripts;
  scripts.Set("learner", "echo life >> $0.lives; echo no memory >&2; exit 3");
  auto cluster = scripts.Start();
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_EQ(SuperviseUntil(scripts, *cluster, "no such line").message(),
            "understudy-learner has ended unexpectedly 5 times in a row, each within 10s: exit status 3: no memory");
  std::ifstream lives(scripts.Path("learner") + ".lives");
  EXPECT_EQ(std::count(std::istreambuf_iterator<char>(lives), {}, '\n'), 5);
}

TEST(LocalCluster, TellsAnErrorFromWhatElseAProcessLogs) {
  Scripts scripts;
  scripts.Set("learner",
              "echo '2026-01-31 23:59:59.000 error understudy-learner: the disk is full' >&2; "
              "echo '2026-01-31 23:59:59.001 info understudy-learner: iteration 7' >&2; "
              "echo '2026-01-31 23:59:59.002 warning understudy-learner: slow' >&2; "
              "echo 'I0000 00:00:1 x.cc:1] chatter' >&2; kill -ABRT $$");
  auto cluster = scripts.Start();
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_EQ(SuperviseUntil(scripts, *cluster, "no such line").message(),
            "understudy-learner has ended unexpectedly 5 times in a row, each within 10s: killed by SIGABRT (Aborted): "
            "the disk is full");
}

TEST(LocalCluster, NamesTheLearnerThatHasEnded) {
  Scripts scripts;
  scripts.Set("learner", "exit 4");
  auto cluster = scripts.Start(2);
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_THAT(
      std::string(SuperviseUntil(scripts, *cluster, "no such line").message()),
      ::testing::MatchesRegex("understudy-learner [12] has ended unexpectedly 5 times in a row, .*: exit status 4"));
}

TEST(LocalCluster, NamesTheActorThatHasEnded) {
  Scripts scripts;
  scripts.Set("actor", "exit 4");
  auto cluster = scripts.Start();
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_THAT(
      std::string(SuperviseUntil(scripts, *cluster, "no such line").message()),
      ::testing::MatchesRegex("understudy-actor [12] has ended unexpectedly 5 times in a row, .*: exit status 4"));
}

}  // namespace
}  // namespace understudy
