#include "coordinator/services/attach_stream.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/rpc/channel.h"
#include "common/rpc/protocol.h"

namespace understudy {
namespace {

constexpr std::chrono::seconds kHelloTimeout{10};
constexpr size_t kLongestWorkerId = 128;
constexpr size_t kLongestHost = 256;

bool IsWorkerId(const std::string& id) {
  const auto allowed = [](char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.'; };
  return !id.empty() && id.size() <= kLongestWorkerId && std::all_of(id.begin(), id.end(), allowed);
}

}  // namespace

absl::Status ValidateHello(const v1::WorkerHello& hello) {
  if (hello.protocol_version() != kProtocolVersion) {
    return absl::FailedPreconditionError(absl::StrCat("protocol_version: found ", hello.protocol_version(),
                                                      ", expected ", kProtocolVersion,
                                                      ": run the same version of Understudy everywhere"));
  }
  if (!IsWorkerId(hello.worker_id())) {
    return absl::InvalidArgumentError("worker_id: expected 1 to 128 of A-Z a-z 0-9 . _ -");
  }
  if (hello.host().size() > kLongestHost) {
    return absl::InvalidArgumentError(
        absl::StrCat("host: found ", hello.host().size(), " bytes, expected at most 256"));
  }
  switch (hello.kind()) {
    case v1::WORKER_KIND_ACTOR:
      if (hello.rollouts_address().empty()) return absl::OkStatus();
      return absl::InvalidArgumentError("rollouts_address: expected none of an actor");
    case v1::WORKER_KIND_LEARNER: {
      const absl::Status valid = ValidateAddress(hello.rollouts_address());
      return valid.ok() ? valid : absl::InvalidArgumentError(absl::StrCat("rollouts_address: ", valid.message()));
    }
    default:
      return absl::InvalidArgumentError(
          absl::StrFormat("kind: found %d, expected an actor or a learner", hello.kind()));
  }
}

AttachStream* AttachStream::Begin(Coordinator& coordinator, grpc::CallbackServerContext* context) {
  std::shared_ptr<AttachStream> stream(new AttachStream(coordinator, context));
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
    if (incoming_.has_heartbeat()) {
      coordinator_.Heartbeat(worker_id_, shared_from_this(), incoming_.heartbeat());
    } else {
      Close(absl::InvalidArgumentError("expected a heartbeat after the hello"));
    }
    return;
  }
  const absl::Status valid = incoming_.has_hello()
                                 ? ValidateHello(incoming_.hello())
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
