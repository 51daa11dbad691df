#include "coordinator/services/workers_service.h"

#include <grpcpp/alarm.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "common/process/mutex.h"
#include "common/rpc/channel.h"
#include "coordinator/services/worker_messages.h"
#include "coordinator/storage/page.h"
#include "coordinator/workforce.h"

namespace understudy {
namespace {

constexpr std::chrono::seconds kHelloTimeout{10};

// The server side of one Attach stream, on which a worker talks with the coordinator.
//
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

AttachStream* AttachStream::Begin(Coordinator& coordinator, std::shared_ptr<AccessControl> access,
                                  grpc::CallbackServerContext* context) {
  std::shared_ptr<AttachStream> stream(new AttachStream(coordinator, std::move(access), context));
  stream->self_ = stream;
  stream->StartRead(&stream->incoming_);
  stream->hello_timeout_.Set(std::chrono::system_clock::now() + kHelloTimeout,
                             [weak = stream->weak_from_this()](bool expired) {
                               const std::shared_ptr<AttachStream> waiting = expired ? weak.lock() : nullptr;
                               if (waiting != nullptr && !waiting->HasSaidHello()) {
                                 waiting->Close(absl::DeadlineExceededError("no hello within ten seconds"));
                               }
                             });
  return stream.get();
}

absl::Status AttachStream::CheckHello(const v1::WorkerHello& hello) const {
  if (absl::Status valid = ValidateHello(hello); !valid.ok() || access_ == nullptr) return valid;
  return access_->CheckRole(*context_, hello.kind() == v1::WORKER_KIND_LEARNER ? PeerRole::kLearner : PeerRole::kActor);
}

bool AttachStream::HasSaidHello() {
  MutexLock lock(mutex_);
  return greeted_;
}

void AttachStream::Send(v1::Assignment assignment) {
  MutexLock lock(mutex_);
  pending_ = std::move(assignment);
  Proceed();
}

void AttachStream::ReadNext() {
  MutexLock lock(mutex_);
  if (!finished_) StartRead(&incoming_);
}

void AttachStream::Close(absl::Status status) {
  MutexLock lock(mutex_);
  if (!close_) close_ = std::move(status);
  Proceed();
}

void AttachStream::Proceed() {
  if (writing_ || finished_) return;
  if (close_) {
    finished_ = true;
    Finish(ToGrpc(*close_));
  } else if (pending_) {
    outgoing_ = *std::exchange(pending_, std::nullopt);
    writing_ = true;
    StartWrite(&outgoing_);
  }
}

void AttachStream::OnReadDone(bool ok) {
  if (!ok) {
    Close(absl::OkStatus());
    return;
  }
  if (!worker_id_.empty()) {
    const absl::Status valid = incoming_.has_heartbeat()
                                   ? ValidateHeartbeat(incoming_.heartbeat())
                                   : absl::InvalidArgumentError("expected a heartbeat after the hello");
    if (valid.ok()) {
      coordinator_.Heartbeat(worker_id_, shared_from_this(), incoming_.heartbeat());
    } else {
      Close(valid);
    }
    return;
  }
  const absl::Status valid = incoming_.has_hello()
                                 ? CheckHello(incoming_.hello())
                                 : absl::InvalidArgumentError("expected a hello as the first message");
  if (!valid.ok()) {
    Close(valid);
    return;
  }
  worker_id_ = incoming_.hello().worker_id();
  {
    MutexLock lock(mutex_);
    greeted_ = true;
  }
  coordinator_.Attach(std::move(*incoming_.mutable_hello()), shared_from_this());
}

void AttachStream::OnWriteDone(bool ok) {
  MutexLock lock(mutex_);
  writing_ = false;
  if (!ok && !close_) close_ = absl::UnavailableError("the stream is broken");
  Proceed();
}

void AttachStream::OnCancel() { Close(absl::CancelledError("the stream is broken")); }

void AttachStream::OnDone() {
  // A worker that says goodbye half-closes, and gets our status; one that dies has its call cancelled.
  if (!worker_id_.empty()) coordinator_.Detach(worker_id_, self_, !context_->IsCancelled());
  hello_timeout_.Cancel();
  self_.reset();
}

}  // namespace

grpc::ServerBidiReactor<v1::WorkerMessage, v1::Assignment>* WorkersService::Attach(
    grpc::CallbackServerContext* context) {
  return AttachStream::Begin(coordinator_, access_, context);
}

grpc::Status WorkersService::ReportProgress(grpc::ServerContext*, const v1::ProgressRequest* request,
                                            v1::ProgressResponse*) {
  const absl::Status valid = ValidateProgress(*request);
  return ToGrpc(valid.ok() ? coordinator_.ReportProgress(*request) : valid);
}

grpc::Status WorkersService::FinishStage(grpc::ServerContext*, const v1::FinishStageRequest* request,
                                         v1::FinishStageResponse*) {
  const absl::Status valid = ValidateFinish(*request);
  return ToGrpc(valid.ok() ? coordinator_.FinishStage(*request) : valid);
}

grpc::Status WorkersService::List(grpc::ServerContext*, const v1::ListWorkersRequest* request,
                                  v1::ListWorkersResponse* response) {
  constexpr char kWorkers[] = "workers";
  const auto size = PageSize({.size = request->page_size()});
  if (!size.ok()) return ToGrpc(size.status());
  const auto after = ParsePageToken(kWorkers, request->page_token(), 1);
  if (!after.ok()) return ToGrpc(after.status());
  auto workers = coordinator_.ListWorkers(after->empty() ? "" : after->front(), *size + 1);
  if (!workers.ok()) return ToGrpc(workers.status());
  const bool more = static_cast<int64_t>(workers->size()) > *size;
  if (more) workers->pop_back();
  if (more) response->set_next_page_token(MakePageToken(kWorkers, {workers->back().hello().worker_id()}));
  for (v1::Worker& worker : *workers) *response->add_workers() = std::move(worker);
  return grpc::Status::OK;
}

}  // namespace understudy
