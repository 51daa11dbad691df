// Coordinator, learners and actors as processes of this machine, which are started again when they end.
#ifndef UNDERSTUDY_CLI_LOCAL_CLUSTER_H_
#define UNDERSTUDY_CLI_LOCAL_CLUSTER_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/process_group.h"

namespace understudy {

struct LocalClusterOptions {
  std::string program_directory;  // where understudy-coordinator, -learner and -actor are
  std::string data_directory;
  int learners = 1;
  int actors = 1;
  std::string log_level = "warning";
  // Takes lines that the processes log, and warnings about them.
  std::function<void(std::string_view)> log;
};

// What is known of the processes; the processes themselves are the group's. Thread-compatible.
class LocalCluster {
 public:
  // So many ends in a row, each within kQuickEnd of its start, are a program that does not work.
  static constexpr int kMaxQuickEnds = 5;
  static constexpr absl::Duration kQuickEnd = absl::Seconds(10);

  // Starts the coordinator, waits until it listens, and starts the others without waiting for them. While another
  // command uses the data directory, the coordinator waits for its turn, and says so. It pauses the unfinished
  // experiments that it finds. Errors: why the coordinator refuses to start, or which program cannot be started;
  // CANCELLED: a signal came. The group, which must be empty, must outlive the cluster; processes that were started are
  // still in it after an error.
  static absl::StatusOr<LocalCluster> Start(ProcessGroup& processes, LocalClusterOptions options);

  // The coordinator's HOST:PORT, which it keeps.
  const std::string& address() const { return address_; }

  // Takes an event of the group. Logs what processes log. A process that has ended is started again at once, the
  // coordinator on its address and data directory, and a warning says so. INTERNAL: a process keeps ending, with how it
  // ended and its last error; or the error where it cannot be started again.
  absl::Status Supervise(const ProcessEvent& event);

 private:
  struct Process {
    std::string name;     // for messages
    std::string program;  // path
    std::vector<std::string> arguments;
    absl::Time started;
    std::string last_error;  // on standard error, since it was started; without time and level
    int quick_ends = 0;      // in a row
  };

  LocalCluster(ProcessGroup& processes, LocalClusterOptions options);
  absl::Status Start(const std::string& program, const std::string& name, std::vector<std::string> arguments);
  absl::Status AwaitCoordinator();
  absl::Status StartCoordinator();
  absl::Status StartWorkers();
  absl::Status StartSeveral(const std::string& program, int count, const std::vector<std::string>& arguments);
  absl::Status StartAgain(int child, const std::string& end);

  ProcessGroup& group_;
  LocalClusterOptions options_;
  std::string address_;
  std::vector<Process> processes_;  // as the group numbers them
};

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_LOCAL_CLUSTER_H_
