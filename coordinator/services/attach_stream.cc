#include "coordinator/services/attach_stream.h"

#include <chrono>
#include <utility>

#include "common/rpc/channel.h"
#include "coordinator/services/worker_messages.h"

namespace understudy {
namespace {

constexpr std::chrono::seconds kHelloTimeout{10};

}  // namespace

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

}  // namespace understudy
