// Keeps a worker, an actor or a learner, attached to the coordinator by a Workers.Attach stream.
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
  // Called when the worker gets other work than before: work of another kind or stage, or, for actors, at other
  // addresses. A change of the epoch alone does not count, because a restarted coordinator gives the same work under a
  // new epoch. While the coordinator is away the last assignment stands.
  // An actor's assignment always has addresses: if the coordinator itself is the sink, they are the coordinator's.
  // Called on the session's thread; must return soon.
  std::function<void(const v1::Assignment&)> on_assignment;
  // Returns the content of a heartbeat, without the epoch. The last heartbeat is sent when the session ends.
  std::function<v1::WorkerHeartbeat()> heartbeat;
};

// Keeps a worker attached in the background for as long as it exists. The stream counts as broken, too, if nothing
// comes on it for twenty seconds. After a break the session waits 25 to 300 ms (Backoff) and attaches again, to the
// next coordinator if there are several. The log says why, and repeats that every thirty seconds. It also says when the
// worker is attached again, and whether its stage was given away meanwhile. Thread-safe.
class WorkerSession {
 public:
  explicit WorkerSession(WorkerSessionOptions options);
  // Detaches and joins.
  ~WorkerSession();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Makes an id that is unique to this process: host-pid-random.
std::string MakeWorkerId();

// Checks that an id has 1 to 128 of the characters A-Z a-z 0-9 . _ - and so is safe in a log line.
// INVALID_ARGUMENT: it has not. The message does not repeat the id.
absl::Status ValidateWorkerId(const std::string& id);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_WORKER_SESSION_H_
