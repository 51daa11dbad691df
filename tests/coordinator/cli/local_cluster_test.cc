#include "coordinator/cli/local_cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <map>

#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

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

  void Set(const std::string& name, const std::string& script) {
    const std::string path = directory_.File("understudy-" + name);
    std::ofstream(path) << "#!/bin/sh\n" << script << '\n';
    EXPECT_EQ(chmod(path.c_str(), 0700), 0);
  }

  absl::StatusOr<LocalCluster> Start() {
    return LocalCluster::Start(*processes, {.program_directory = directory_.path(),
                                            .data_directory = "data",
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

ProcessEvent Exit(int child) { return {.kind = ProcessEvent::Kind::kExit, .child = child, .text = "exit status 1"}; }

TEST(LocalCluster, TellsEachProcessWhatItNeeds) {
  Scripts scripts;
  const auto cluster = scripts.Start();
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  EXPECT_EQ(cluster->address(), "127.0.0.1:7");
  EXPECT_EQ(scripts.CoordinatorArguments(), "--listen 127.0.0.1:0 --data_dir data --log_level error");
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

TEST(LocalCluster, LogsWhatTheCoordinatorSaysButForItsLastWords) {
  Scripts scripts;
  scripts.Set("coordinator", "echo first >&2; echo 'understudy-coordinator: last' >&2; exit 1");
  EXPECT_EQ(scripts.Start().status().message(), "last");
  EXPECT_THAT(scripts.logged, ElementsAre("first"));
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

TEST(LocalCluster, GoesOnWhileThereAreActors) {
  Scripts scripts;
  auto cluster = scripts.Start();
  ASSERT_TRUE(cluster.ok());
  EXPECT_TRUE(cluster->OnExit(Exit(3)).ok());
  EXPECT_THAT(scripts.logged, ElementsAre("understudy: warning: an understudy-actor has ended unexpectedly: exit "
                                          "status 1; 1 left"));
  EXPECT_EQ(cluster->OnExit(Exit(2)).message(), "the last understudy-actor has ended unexpectedly: exit status 1");
}

TEST(LocalCluster, CannotDoWithoutCoordinatorOrLearner) {
  Scripts scripts;
  auto cluster = scripts.Start();
  ASSERT_TRUE(cluster.ok());
  EXPECT_EQ(cluster->OnExit(Exit(0)).message(), "understudy-coordinator has ended unexpectedly: exit status 1");
  EXPECT_EQ(cluster->OnExit(Exit(1)).message(), "understudy-learner has ended unexpectedly: exit status 1");
  EXPECT_THAT(scripts.logged, IsEmpty());
}

}  // namespace
}  // namespace understudy
