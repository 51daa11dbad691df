// The command `understudy run`: one experiment from beginning to end, on processes of its own.
#ifndef UNDERSTUDY_CLI_RUN_H_
#define UNDERSTUDY_CLI_RUN_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/console.h"

namespace understudy {

struct RunOptions {
  std::string file;
  int actors = 1;  // starts soonest; more of them pay where steps are slow, and change no result
  // Empty: a new one, understudy-data/EXPERIMENT-YYYYmmdd-HHMMSS-PID (UTC).
  std::string data_directory;
  std::string log_level = "warning";
  bool json = false;
  std::string program_directory;  // empty: that of this program
};

// Validates the file, starts the processes, submits the experiment, watches it, prints the result, and stops the
// processes, whatever happens. A process that ends is started again (LocalCluster).
//
// - While another command uses the data directory, this one waits for its turn.
// - An unfinished experiment of the same content, which an earlier run left in the directory, goes on; one that has
//   finished since this run began is the result. Other unfinished experiments there are paused.
// - Whatever ends a run early pauses its experiment: the last line says which command goes on with it. Only `understudy
//   experiments cancel` cancels.
// - This process makes and removes no directory. The coordinator does, under its lock: it leaves none behind where the
//   experiment was not accepted.
//
// Returns 0 where every stage succeeded. Errors: the file's; a program is missing, or a process keeps ending; a stage
// failed (after the result is printed); CANCELLED: SIGINT, SIGTERM or SIGHUP came. To be called by the main thread
// before there are others.
absl::StatusOr<int> RunExperiment(const RunOptions& options, const Console& console);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_RUN_H_
