// What a coordinator is busy with, for who watches it.
#ifndef UNDERSTUDY_COORDINATOR_COORDINATOR_STATUS_H_
#define UNDERSTUDY_COORDINATOR_COORDINATOR_STATUS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "understudy/v1/experiments.pb.h"
#include "understudy/v1/trajectory.pb.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

// STATUS_SUCCEEDED: succeeded
inline std::string StatusLabel(v1::Status status) {
  constexpr size_t kPrefix = 7;
  return absl::AsciiStrToLower(v1::Status_Name(status).substr(kPrefix));
}

struct WorkerCount {
  int attached = 0;
  int assigned = 0;  // of those
};

struct CoordinatorStatus {
  std::map<v1::WorkerKind, WorkerCount> workers;
  std::vector<v1::Experiment> unfinished;  // but for the paused ones
  size_t paused = 0;                       // experiments
  std::map<v1::Status, int64_t> finished;  // experiments, since the process began
  v1::TrajectoryAccounting received;       // of all stages' sinks, since the process began
  int64_t leased_requests = 0;
  int connected_actors = 0;  // streams, to sinks of the coordinator
  size_t control_events = 0;
  size_t store_jobs = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_COORDINATOR_STATUS_H_
