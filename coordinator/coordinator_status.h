// A snapshot of what a coordinator is doing, from which its metrics are made.
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

// Returns a status in lower case and without prefix: "succeeded" for STATUS_SUCCEEDED.
inline std::string StatusLabel(v1::Status status) {
  constexpr size_t kPrefix = 7;
  return absl::AsciiStrToLower(v1::Status_Name(status).substr(kPrefix));
}

struct WorkerCount {
  int attached = 0;
  int assigned = 0;  // workers of those that have work
};

struct CoordinatorStatus {
  std::map<v1::WorkerKind, WorkerCount> workers;
  std::vector<v1::Experiment> unfinished;  // without those that are paused
  size_t paused = 0;                       // number of paused experiments
  std::map<v1::Status, int64_t> finished;  // number of experiments since the process began
  v1::TrajectoryAccounting received;       // by all of the coordinator's sinks since the process began
  int64_t leased_requests = 0;             // that actors of these sinks hold
  int connected_actors = 0;                // streams of actors to these sinks
  size_t control_events = 0;               // that wait for the control thread
  size_t store_jobs = 0;                   // that wait for a store writer
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_COORDINATOR_STATUS_H_
