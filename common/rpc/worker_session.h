// A worker's side of Workers.Attach: keeps it attached to the coordinator, for actors and learners alike.
#ifndef UNDERSTUDY_COMMON_RPC_WORKER_SESSION_H_
#define UNDERSTUDY_COMMON_RPC_WORKER_SESSION_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "common/rpc/coordinators.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

struct WorkerSessionOptions {
  std::shared_ptr<Coordinators> coordinators;
  v1::WorkerHello hello;  // protocol_version is filled in
  // There is other work than before: of another kind or stage, or, for actors, at other addresses. The assignment's
  // epoch alone is nothing to disturb a worker for: a restarted coordinator gives the same work under a new one. Called
  // on the session's thread, one call at a time; must return soon. While the coordinator is away the last assignment
  // stands. An actor's has addresses always: where the sink is the coordinator itself, that of the one it attached to.
  std::function<void(const v1::Assignment&)> on_assignment;
  // The heartbeat's content, but for the epoch. The last one is sent when the session ends.
  std::function<v1::WorkerHeartbeat()> heartbeat;
};

// Attaches in the background, for ever: where the stream breaks, or nothing comes on it for twenty seconds, it backs
// off (50 to 300 ms, with jitter) and tries again, the next coordinator where there are several. The log says so, again
// every thirty seconds while it lasts, and when it is back; and when the worker's stage was given away meanwhile.
// Thread-safe.
class WorkerSession {
 public:
  explicit WorkerSession(WorkerSessionOptions options);
  // Detaches and joins.
  ~WorkerSession();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// host-pid-random: unique to this process.
std::string MakeWorkerId();

// 1 to 128 of A-Z a-z 0-9 . _ -: safe in a log line. INVALID_ARGUMENT says so, and does not repeat what was found.
absl::Status ValidateWorkerId(const std::string& id);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_WORKER_SESSION_H_
