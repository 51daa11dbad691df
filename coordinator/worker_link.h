// The coordinator's end of a worker's Attach stream.
#ifndef UNDERSTUDY_COORDINATOR_WORKER_LINK_H_
#define UNDERSTUDY_COORDINATOR_WORKER_LINK_H_

#include "absl/status/status.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

// Thread-safe; nothing blocks. Implementations: the gRPC stream (workers_service.cc), fakes in tests.
class WorkerLink {
 public:
  virtual ~WorkerLink() = default;

  // Replaces what has not been sent yet: only the latest assignment counts. After Close it goes nowhere.
  virtual void Send(v1::Assignment assignment) = 0;

  // Lets the worker's next message in. Until then at most one is held: that is the back-pressure.
  virtual void ReadNext() = 0;

  // Ends the stream with this status.
  virtual void Close(absl::Status status) = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_WORKER_LINK_H_
