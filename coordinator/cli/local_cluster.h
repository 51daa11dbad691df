// Coordinator, learner and actors as processes of this machine.
#ifndef UNDERSTUDY_COORDINATOR_CLI_LOCAL_CLUSTER_H_
#define UNDERSTUDY_COORDINATOR_CLI_LOCAL_CLUSTER_H_

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "coordinator/cli/process_group.h"

namespace understudy {

struct LocalClusterOptions {
  std::string program_directory;  // where understudy-coordinator, -learner and -actor are
  std::string data_directory;
  int actors = 1;
  std::string log_level = "warning";
  // Takes lines that the processes log, and warnings about them.
  std::function<void(std::string_view)> log;
};

// What is known of the processes; the processes themselves are the group's. Thread-compatible.
class LocalCluster {
 public:
  // Starts the coordinator, waits until it listens, and starts the others without waiting for them. An error is what
  // the coordinator said last, or which program cannot be started; CANCELLED: a signal came. The group, which must be
  // empty, must outlive the cluster.
  static absl::StatusOr<LocalCluster> Start(ProcessGroup& processes, LocalClusterOptions options);

  // The coordinator's HOST:PORT.
  const std::string& address() const { return address_; }

  // For each kExit. OK (and a warning logged) while the others can go on: other actors are left. INTERNAL names who has
  // ended, and how.
  absl::Status OnExit(const ProcessEvent& exit);

 private:
  LocalCluster(ProcessGroup& processes, LocalClusterOptions options);
  absl::Status StartCoordinator();
  absl::Status StartWorkers();

  ProcessGroup& processes_;
  LocalClusterOptions options_;
  std::string address_;
  int actors_running_ = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_CLI_LOCAL_CLUSTER_H_
