// One experiment from beginning to end on this machine, on processes of its own.
#ifndef UNDERSTUDY_CLI_RUN_H_
#define UNDERSTUDY_CLI_RUN_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/console.h"

namespace understudy {

struct RunOptions {
  std::string file;
  int actors = 1;              // starts soonest; more pay where steps are slow, and change no result
  std::string data_directory;  // empty: a new one, see ResultDirectory
  std::string log_level = "warning";
  bool json = false;
  std::string program_directory;  // empty: that of this program
};

// Validates the file, starts the processes, submits, watches, prints the result, and stops the processes, whatever
// happens. Where the data directory holds an unfinished experiment of the same content, because an earlier run was
// killed, it goes on with that. A process that ends is started again (LocalCluster). Returns 0 where every stage
// succeeded. An error where a stage did not (after the result is printed), where a process is missing or keeps ending,
// or, CANCELLED, where SIGINT or SIGTERM came. Until the experiment is accepted, an error leaves nothing behind. To be
// called by the main thread before there are others.
absl::StatusOr<int> RunExperiment(const RunOptions& options, const Console& console);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_RUN_H_
