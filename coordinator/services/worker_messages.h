// Checks the messages of workers, where they enter the coordinator.
#ifndef UNDERSTUDY_COORDINATOR_SERVICES_WORKER_MESSAGES_H_
#define UNDERSTUDY_COORDINATOR_SERVICES_WORKER_MESSAGES_H_

#include "absl/status/status.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

// All checks are pure. A message that passes is bounded: its texts, and the number of metrics and reasons; and no count
// is negative.
// INVALID_ARGUMENT: names the field, what was found and what was expected, in one line of bounded length whatever the
// message holds.

// Checks the first message of a worker.
// Also FAILED_PRECONDITION: the worker speaks another protocol version.
absl::Status ValidateHello(const v1::WorkerHello& hello);

// Checks every later message of a worker.
absl::Status ValidateHeartbeat(const v1::WorkerHeartbeat& heartbeat);

// Checks a report of progress. Metrics may be any numbers, NaN and infinity too, because what training diverges to is
// worth showing.
absl::Status ValidateProgress(const v1::ProgressRequest& request);

// Checks the outcome of a stage.
absl::Status ValidateFinish(const v1::FinishStageRequest& request);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SERVICES_WORKER_MESSAGES_H_
