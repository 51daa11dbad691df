// A coordinator, learners and actors as processes of this machine. A process that ends is started again.
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

// The cluster knows its processes by name and restarts them; the ProcessGroup holds the processes themselves.
// Thread-compatible.
class LocalCluster {
 public:
  // A program does not work if it ends this many times in a row, each time within kQuickEnd of its start.
  static constexpr int kMaxQuickEnds = 5;
  static constexpr absl::Duration kQuickEnd = absl::Seconds(10);

  // Starts the coordinator, waits until it listens, and starts the others without waiting for them. While another
  // command uses the data directory, the coordinator waits for its turn, and says so. It pauses the unfinished
  // experiments that it finds. The group must be empty, and must outlive the cluster. After an error, processes that
  // were started are still in it.
  // INTERNAL: why the coordinator has ended before it listened. DEADLINE_EXCEEDED: it has not begun to listen in time.
  // CANCELLED: a signal came. Others: which program cannot be started.
  static absl::StatusOr<LocalCluster> Start(ProcessGroup& processes, LocalClusterOptions options);

  // Returns the coordinator's HOST:PORT, which it keeps when it is started again.
  const std::string& address() const { return address_; }

  // Takes an event of the group. Logs what processes log. A process that has ended is started again at once, and a
  // warning says so. The coordinator is started again with its address and data directory.
  // INTERNAL: a process keeps ending. The message has how it ended and its last error. Others: why a process cannot be
  // started again.
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
