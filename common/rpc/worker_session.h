// A worker's side of Workers.Attach: keeps it attached to the coordinator, for actors and learners alike.
#ifndef UNDERSTUDY_COMMON_RPC_WORKER_SESSION_H_
#define UNDERSTUDY_COMMON_RPC_WORKER_SESSION_H_

#include <functional>
#include <memory>
#include <string>

#include "understudy/v1/workers.pb.h"

namespace understudy {

struct WorkerSessionOptions {
  std::string coordinator;  // HOST:PORT
  v1::WorkerHello hello;    // protocol_version is filled in
  // The assignment has changed (its epoch is another than before). Called on the session's thread, one call at a time;
  // must return soon. While the coordinator is away the last assignment stands.
  std::function<void(const v1::Assignment&)> on_assignment;
  // The heartbeat's content, but for the epoch.
  std::function<v1::WorkerHeartbeat()> heartbeat;
};

// Attaches in the background, for ever: where the stream breaks, it backs off (50 ms to 2 s, with jitter), and says so
// once, and once when it is back. Thread-safe.
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

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_WORKER_SESSION_H_
