// The coordinator's end of the stream Attach to one worker.
#ifndef UNDERSTUDY_COORDINATOR_WORKER_LINK_H_
#define UNDERSTUDY_COORDINATOR_WORKER_LINK_H_

#include "absl/status/status.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

// Thread-safe; no function blocks. Implementations: the gRPC stream (attach_stream.cc), fakes in tests.
class WorkerLink {
 public:
  virtual ~WorkerLink() = default;

  // Sends an assignment. It replaces one that has not been sent yet, since only the latest counts. It is dropped after
  // Close.
  virtual void Send(v1::Assignment assignment) = 0;

  // Lets the worker's next message in. At most one message is held until then: that is the back-pressure.
  virtual void ReadNext() = 0;

  // Ends the stream with this status.
  virtual void Close(absl::Status status) = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_WORKER_LINK_H_
