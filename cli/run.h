// Runs the command `understudy run`: one experiment from beginning to end, on processes of its own.
#ifndef UNDERSTUDY_CLI_RUN_H_
#define UNDERSTUDY_CLI_RUN_H_

#include <string>

#include "absl/status/statusor.h"
#include "cli/console.h"

namespace understudy {

struct RunOptions {
  std::string file;
  int actors = 1;  // one starts soonest; more help if steps are slow, and change no result
  // The data directory. Empty: a new one, understudy-data/EXPERIMENT-YYYYmmdd-HHMMSS-PID (UTC).
  std::string data_directory;
  std::string log_level = "warning";
  bool json = false;
  std::string program_directory;  // empty: that of this program
};

// Validates the file, starts the processes, submits the experiment, watches it and prints the result. In any case it
// stops the processes at the end. A process that ends is started again (LocalCluster).
//
// - While another command uses the data directory, this one waits for its turn.
// - An unfinished experiment of the same content, which an earlier run left in the directory, goes on. If one has
//   finished since this run began, it is the result. Other unfinished experiments there are paused.
// - A run that ends early pauses its experiment. Its last line is the command that goes on with it. Only `understudy
//   experiments cancel` cancels.
// - This process makes and removes no directory. The coordinator does, under its lock. If the experiment was not
//   accepted, the coordinator leaves no directory behind.
//
// Returns 0 if every stage succeeded. Call it from the main thread before there are others.
// Errors: the file's; a program is missing, or a process keeps ending; a stage failed (after the result is printed).
// CANCELLED: SIGINT, SIGTERM or SIGHUP came.
absl::StatusOr<int> RunExperiment(const RunOptions& options, const Console& console);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_RUN_H_
