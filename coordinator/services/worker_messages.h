// What workers may say: the checks of their messages, where they enter the coordinator.
#ifndef UNDERSTUDY_COORDINATOR_SERVICES_WORKER_MESSAGES_H_
#define UNDERSTUDY_COORDINATOR_SERVICES_WORKER_MESSAGES_H_

#include "absl/status/status.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

// Pure. INVALID_ARGUMENT names the field, what was found and what was expected, in one line of bounded length whatever
// the message holds. What passes is bounded: texts, the number of metrics and reasons, and no count is negative.

// FAILED_PRECONDITION: the worker speaks another protocol version.
absl::Status ValidateHello(const v1::WorkerHello& hello);

absl::Status ValidateHeartbeat(const v1::WorkerHeartbeat& heartbeat);

// Metrics may be any numbers, NaN and infinity too: what training diverges to is worth showing.
absl::Status ValidateProgress(const v1::ProgressRequest& request);

absl::Status ValidateFinish(const v1::FinishStageRequest& request);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SERVICES_WORKER_MESSAGES_H_
