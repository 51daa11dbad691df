#include "common/rollouts/rollout_service.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/support/slice.h>

#include <chrono>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/mutex.h"
#include "common/rpc/channel.h"
#include "common/rpc/worker_session.h"

namespace understudy {
namespace {

using google::protobuf::internal::WireFormatLite;
using SharedSnapshot = std::shared_ptr<const PolicySnapshot>;

constexpr std::chrono::seconds kHelloTimeout(10);
// Bytes that may wait to be sent to one actor: two of the largest policies, and their requests.
constexpr int64_t kMaxQueuedBytes = 2 * kMaxParameterBytes + kMaxMessageBytes;

absl::Status CheckHello(const v1::ActorMessage& message) {
  if (!message.has_hello()) return absl::InvalidArgumentError("the first message is not a hello");
  const v1::ActorHello& hello = message.hello();
  if (hello.protocol_version() != kProtocolVersion) {
    return absl::FailedPreconditionError(absl::StrCat("the actor speaks protocol version ", hello.protocol_version(),
                                                      ", this sink ", kProtocolVersion,
                                                      ": run programs of one release"));
  }
  return ValidateWorkerId(hello.worker_id());
}

grpc::ByteBuffer Encode(const v1::SinkMessage& message) {
  grpc::ByteBuffer bytes;
  bool own_buffer = true;
  const grpc::Status status = grpc::SerializationTraits<v1::SinkMessage>::Serialize(message, &bytes, &own_buffer);
  GPR_ASSERT(status.ok());
  return bytes;
}

// Returns a slice with a copy of the bytes.
grpc::Slice Own(const std::string& bytes) { return grpc::Slice(bytes.data(), bytes.size()); }

// Returns the bytes that precede a field's content of `size` bytes.
std::string FieldHead(int number, size_t size) {
  uint8_t bytes[2 * 10];
  uint8_t* end = google::protobuf::io::CodedOutputStream::WriteVarint32ToArray(
      WireFormatLite::MakeTag(number, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), bytes);
  end = google::protobuf::io::CodedOutputStream::WriteVarint64ToArray(size, end);
  return std::string(bytes, end);
}

// Returns a slice that refers to a part of the snapshot's memory, and holds the snapshot.
grpc::Slice Lend(SharedSnapshot snapshot, std::string_view part) {
  return grpc::Slice(
      const_cast<char*>(part.data()), part.size(), [](void* holder) { delete static_cast<SharedSnapshot*>(holder); },
      new SharedSnapshot(std::move(snapshot)));
}

}  // namespace

grpc::ByteBuffer MakePolicyFrame(SharedSnapshot snapshot, size_t index) {
  std::string head;
  std::string_view parameters;
  if (index == 0) {
    head = MakeChunk(*snapshot, 0).SerializeAsString();
  } else {
    parameters = ChunkParameters(*snapshot, index);
    head = FieldHead(v1::PolicyChunk::kParametersFieldNumber, parameters.size());
  }
  head.insert(0, FieldHead(v1::SinkMessage::kPolicyFieldNumber, head.size() + parameters.size()));
  const grpc::Slice slices[] = {Own(head), Lend(std::move(snapshot), parameters)};
  return grpc::ByteBuffer(slices, index == 0 ? 1 : 2);
}

// One stream. It keeps itself alive until OnDone. Its reactions never hold the mutex while they call the handler, since
// the handler calls back.
class RolloutService::Stream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                                     public ActorLink,
                                     public std::enable_shared_from_this<Stream> {
 public:
  explicit Stream(RolloutService& service) : service_(service) {}

  void Start() {
    self_ = shared_from_this();
    if (service_.streams_.fetch_add(1) >= kMaxActorStreams) {
      Close(absl::ResourceExhaustedError(absl::StrCat("there are ", kMaxActorStreams, " actors already")));
      return;
    }
    alarm_.Set(std::chrono::system_clock::now() + kHelloTimeout, [weak = weak_from_this()](bool expired) {
      const std::shared_ptr<Stream> stream = weak.lock();
      if (expired && stream != nullptr) stream->HelloTimedOut();
    });
    MutexLock lock(mutex_);
    StartRead(&incoming_);
  }

  const v1::ActorHello& hello() const override { return hello_; }

  void Send(v1::SinkMessage message) override {
    const auto bytes = static_cast<int64_t>(message.ByteSizeLong());
    Queue({.bytes = bytes, .message = std::move(message)});
  }

  void SendPolicy(std::shared_ptr<const PolicySnapshot> policy) override {
    const auto bytes = static_cast<int64_t>(policy->header.ByteSizeLong() + policy->parameters.size());
    Queue({.bytes = bytes, .policy = std::move(policy)});
  }

  void ReadNext() override {
    MutexLock lock(mutex_);
    read_wanted_ = true;
    ReadIfWantedLocked();
  }

  void Close(absl::Status status) override {
    MutexLock lock(mutex_);
    FinishLocked(status);
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      MutexLock lock(mutex_);
      LeaveLocked();
      return;
    }
    React();
    MutexLock lock(mutex_);
    reacting_ = false;
    ReadIfWantedLocked();
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    Outgoing& sent = outgoing_.front();
    if (sent.policy == nullptr || sent.next_chunk == CountChunks(*sent.policy)) {
      queued_bytes_ -= sent.bytes;
      outgoing_.pop_front();
    }
    if (!ok) FinishLocked(absl::CancelledError("the actor has gone"));
    if (finished_) return;
    if (!outgoing_.empty()) {
      WriteFirstLocked();
    } else if (leaving_) {
      FinishLocked(absl::OkStatus());
    }
  }

  void OnCancel() override { Close(absl::CancelledError("the stream was cancelled")); }

  void OnDone() override {
    alarm_.Cancel();
    bool greeted = false;
    {
      MutexLock lock(mutex_);
      greeted = greeted_;
    }
    if (greeted) service_.handler_.OnGone(shared_from_this());
    service_.streams_.fetch_sub(1);
    const std::shared_ptr<Stream> last_reference = std::move(self_);
  }

 private:
  // A message to send; or a policy, which is sent in chunks.
  struct Outgoing {
    int64_t bytes = 0;
    v1::SinkMessage message = {};
    std::shared_ptr<const PolicySnapshot> policy = nullptr;
    size_t next_chunk = 0;
  };

  void Queue(Outgoing outgoing) {
    MutexLock lock(mutex_);
    if (finished_ || leaving_) return;
    queued_bytes_ += outgoing.bytes;
    if (queued_bytes_ > kMaxQueuedBytes) {
      FinishLocked(absl::ResourceExhaustedError(absl::StrCat("the actor has left ", queued_bytes_, " bytes unread")));
      return;
    }
    outgoing_.push_back(std::move(outgoing));
    if (outgoing_.size() == 1) WriteFirstLocked();
  }

  void WriteFirstLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Outgoing& first = outgoing_.front();
    if (first.policy != nullptr) {
      writing_ = MakePolicyFrame(first.policy, first.next_chunk++);
    } else {
      writing_ = Encode(first.message);
    }
    // Lets gRPC send this together with what is behind it: a small message that is sent alone costs more than its
    // bytes.
    const bool more =
        outgoing_.size() > 1 || (first.policy != nullptr && first.next_chunk < CountChunks(*first.policy));
    StartWrite(&writing_, more ? grpc::WriteOptions().set_buffer_hint() : grpc::WriteOptions());
  }

  // Handles one message, on gRPC's thread. The next is not read before this has returned.
  void React() {
    bool greeted = false;
    {
      MutexLock lock(mutex_);
      if (finished_) return;
      greeted = greeted_;
    }
    v1::ActorMessage message;
    if (!grpc::SerializationTraits<v1::ActorMessage>::Deserialize(&incoming_, &message).ok()) {
      Close(absl::InvalidArgumentError("found a message that is no ActorMessage"));
    } else if (greeted) {
      service_.handler_.OnMessage(shared_from_this(), std::move(message));
    } else if (absl::Status status = CheckHello(message); !status.ok()) {
      Close(std::move(status));
    } else {
      Greet(std::move(*message.mutable_hello()));
    }
  }

  void Greet(v1::ActorHello hello) {
    hello_ = std::move(hello);
    {
      MutexLock lock(mutex_);
      if (finished_) return;
      greeted_ = true;
    }
    alarm_.Cancel();
    service_.handler_.OnConnected(shared_from_this());
  }

  void HelloTimedOut() {
    MutexLock lock(mutex_);
    if (!greeted_) FinishLocked(absl::DeadlineExceededError("no hello within ten seconds"));
  }

  void ReadIfWantedLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (reacting_ || !read_wanted_ || finished_) return;
    read_wanted_ = false;
    reacting_ = true;
    StartRead(&incoming_);
  }

  // Handles the end of the actor's side: only acknowledgements are still sent to it.
  void LeaveLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (finished_) return;
    leaving_ = true;
    std::deque<Outgoing> acks;
    for (size_t i = 1; i < outgoing_.size(); ++i) {
      if (outgoing_[i].message.has_ack()) acks.push_back(std::move(outgoing_[i]));
    }
    // Sends no more chunks of a policy.
    if (!outgoing_.empty()) outgoing_.front().policy = nullptr;
    // The first is being sent and must stay where it is, so the others are removed behind it.
    if (outgoing_.size() > 1) outgoing_.resize(1);
    for (auto& ack : acks) outgoing_.push_back(std::move(ack));
    if (outgoing_.empty()) FinishLocked(absl::OkStatus());
  }

  // Ends the stream; the first status counts. Drops what waits to be sent, except for the message that gRPC is sending.
  void FinishLocked(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (std::exchange(finished_, true)) return;
    if (outgoing_.size() > 1) outgoing_.resize(1);
    Finish(ToGrpc(status));
  }

  RolloutService& service_;
  grpc::Alarm alarm_;
  std::shared_ptr<Stream> self_;
  grpc::ByteBuffer incoming_;  // of the read in flight, then of the reaction to it
  v1::ActorHello hello_;       // does not change once the handler knows of the stream

  Mutex mutex_;
  bool greeted_ ABSL_GUARDED_BY(mutex_) = false;  // the handler knows of the stream
  bool leaving_ ABSL_GUARDED_BY(mutex_) = false;  // the actor has ended its side
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  bool reacting_ ABSL_GUARDED_BY(mutex_) = true;  // a read is in flight, or the reaction to it
  bool read_wanted_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<Outgoing> outgoing_ ABSL_GUARDED_BY(mutex_);  // the first is being sent
  grpc::ByteBuffer writing_ ABSL_GUARDED_BY(mutex_);       // the bytes of it
  int64_t queued_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

RolloutService::RolloutService(RolloutHandler& handler) : handler_(handler) {}

RolloutService::~RolloutService() = default;

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* RolloutService::RollOut(grpc::CallbackServerContext*) {
  const auto stream = std::make_shared<Stream>(*this);
  stream->Start();
  return stream.get();
}

}  // namespace understudy
