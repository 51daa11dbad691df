// The server side of one Attach stream, on which a worker talks with the coordinator.
#ifndef UNDERSTUDY_COORDINATOR_SERVICES_ATTACH_STREAM_H_
#define UNDERSTUDY_COORDINATOR_SERVICES_ATTACH_STREAM_H_

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "common/process/mutex.h"
#include "common/security/access_control.h"
#include "coordinator/coordinator.h"
#include "coordinator/worker_link.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy {

// A stream has one read and one write in flight. An assignment that comes during a write waits, and a later one
// replaces it. The object lives until gRPC is done with it and nobody holds it as a link. Thread-safe.
class AttachStream final : public grpc::ServerBidiReactor<v1::WorkerMessage, v1::Assignment>,
                           public WorkerLink,
                           public std::enable_shared_from_this<AttachStream> {
 public:
  // Begins to read. Closes the stream of a worker whose first message is not right:
  // DEADLINE_EXCEEDED: no hello came within ten seconds. PERMISSION_DENIED: the caller may not be a worker of the kind
  // that it says (see WorkersService). Others: ValidateHello's.
  static AttachStream* Begin(Coordinator& coordinator, std::shared_ptr<AccessControl> access,
                             grpc::CallbackServerContext* context);

  void Send(v1::Assignment assignment) override;
  void ReadNext() override;
  void Close(absl::Status status) override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  AttachStream(Coordinator& coordinator, std::shared_ptr<AccessControl> access, grpc::CallbackServerContext* context)
      : coordinator_(coordinator), access_(std::move(access)), context_(context) {}
  absl::Status CheckHello(const v1::WorkerHello& hello) const;
  // Writes or finishes, if that is possible now.
  void Proceed() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasSaidHello();

  Coordinator& coordinator_;
  const std::shared_ptr<AccessControl> access_;
  grpc::CallbackServerContext* const context_;
  std::shared_ptr<AttachStream> self_;  // while gRPC uses it
  grpc::Alarm hello_timeout_;
  v1::WorkerMessage incoming_;
  std::string worker_id_;  // set by the reactions alone, which come one after another

  Mutex mutex_;
  bool greeted_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  v1::Assignment outgoing_ ABSL_GUARDED_BY(mutex_);
  std::optional<v1::Assignment> pending_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Status> close_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SERVICES_ATTACH_STREAM_H_
