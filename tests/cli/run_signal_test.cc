// Signals while `run` starts. Belongs into a program without gRPC servers: their threads would take the signals.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/run.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy {
namespace {

// A coordinator that signals its parent instead of listening.
std::string MakePrograms(const testing::TemporaryDirectory& directory, const std::string& coordinator) {
  const std::string path = directory.File("understudy-coordinator");
  std::ofstream(path) << "#!/bin/sh\n" << coordinator << '\n';
  EXPECT_EQ(chmod(path.c_str(), 0700), 0);
  std::ofstream(directory.File("e.yaml")) << "name: cartpole\nenvironment: CartPole-v1\nstages:\n"
                                             "  - train: {policy: expert, algorithm: ppo}\n";
  return directory.File("e.yaml");
}

TEST(RunSignals, EndTheStartAndLeaveTheDirectoryToTheCoordinator) {
  signal(SIGHUP, SIG_DFL);  // not ignored, as under nohup
  for (const std::string signal : {"INT", "TERM", "HUP"}) {
    const testing::TemporaryDirectory directory;
    RunOptions options;
    options.file = MakePrograms(directory, "mkdir \"$4\"; trap 'rmdir \"$4\"; exit 0' TERM; kill -" + signal +
                                               " $PPID; while :; do sleep 0.01; done");
    options.data_directory = directory.File("data");
    options.program_directory = directory.path();
    std::ostringstream out, err;
    const absl::StatusOr<int> exit_status = RunExperiment(options, {.out = out, .err = err});
    EXPECT_EQ(exit_status.status().code(), absl::StatusCode::kCancelled) << signal;
    EXPECT_FALSE(std::filesystem::exists(options.data_directory));
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);  // no child is left
    EXPECT_EQ(errno, ECHILD);
  }
}

}  // namespace
}  // namespace understudy
