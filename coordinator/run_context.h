// What all running experiments share: the store, the workers, and a way to write to the store in the background.
#ifndef UNDERSTUDY_COORDINATOR_RUN_CONTEXT_H_
#define UNDERSTUDY_COORDINATOR_RUN_CONTEXT_H_

#include <functional>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/storage/store.h"
#include "coordinator/workforce.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

class ExperimentRun;

// Calls `write` on another thread, which may wait for the disk. While the store cannot be reached (UNAVAILABLE), it
// calls `write` again and again. Afterwards it calls `then` on the control thread with the run of that id and the
// status of `write`, unless there is no such run any more.
using WriteBehind = std::function<void(const std::string& id, std::function<absl::Status()> write,
                                       std::function<void(ExperimentRun&, const absl::Status&, absl::Time now)> then)>;

struct RunContext {
  Store& store;
  Workforce& workforce;
  WriteBehind write_behind;
  // The datasets that are being collected, each with the id of its experiment.
  std::map<std::string, std::string> collecting;
  // Counts of the trajectories that came to stages that are over.
  v1::TrajectoryAccounting received = {};
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_RUN_CONTEXT_H_
