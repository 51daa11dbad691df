#include "common/rpc/worker_session.h"

#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"
#include "common/process/reminder.h"
#include "common/rpc/channel.h"
#include "common/rpc/protocol.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy {
namespace {

using AttachStream = grpc::ClientReaderWriter<v1::WorkerMessage, v1::Assignment>;

constexpr absl::Duration kFirstHeartbeatInterval = absl::Seconds(1);
constexpr absl::Duration kShortestHeartbeatInterval = absl::Milliseconds(10);
constexpr absl::Duration kLongestHeartbeatInterval = absl::Minutes(1);
// Another protocol version does not mend itself in milliseconds: somebody must upgrade.
constexpr absl::Duration kRefusedInterval = absl::Seconds(10);
constexpr absl::Duration kGoodbyeTimeout = absl::Milliseconds(500);
constexpr absl::Duration kFirstBackoff = absl::Milliseconds(50);
// For the first assignment, from a coordinator that is alive, as its keepalive shows, but does not come to it.
constexpr absl::Duration kAnswerTimeout = absl::Seconds(20);

const v1::StageKey& StageOf(const v1::Assignment& assignment) {
  return assignment.has_learner() ? assignment.learner().stage() : assignment.actor().stage();
}

bool HasWork(const v1::Assignment& assignment) { return assignment.work_case() != v1::Assignment::WORK_NOT_SET; }

bool SameWork(const v1::Assignment& a, const v1::Assignment& b) {
  return a.work_case() == b.work_case() && SameStage(StageOf(a), StageOf(b)) &&
         std::equal(a.actor().rollouts_addresses().begin(), a.actor().rollouts_addresses().end(),
                    b.actor().rollouts_addresses().begin(), b.actor().rollouts_addresses().end());
}

}  // namespace

class WorkerSession::Impl {
 public:
  explicit Impl(WorkerSessionOptions options)
      : options_(std::move(options)), backoff_(kFirstBackoff, kLongestReconnectPause, std::random_device()()) {
    options_.hello.set_protocol_version(kProtocolVersion);
    thread_ = std::thread([this] { Run(); });
  }

  // Says goodbye, so that the coordinator need not wait for the lease to end; but not to one that does not answer.
  ~Impl() {
    const absl::Time deadline = absl::Now() + kGoodbyeTimeout;
    {
      MutexLock lock(mutex_);
      stopping_ = true;
      changed_.NotifyAll();
      while (context_ != nullptr && answered_ && absl::Now() < deadline) {
        changed_.WaitFor(mutex_, deadline - absl::Now());
      }
      if (context_ != nullptr) context_->TryCancel();
    }
    thread_.join();
  }

 private:
  void Run() {
    while (true) {
      const absl::Status status = AttachOnce();
      options_.coordinators->MoveOn(coordinator_);
      const bool refused = absl::IsFailedPrecondition(status);
      if (!Wait(refused ? kRefusedInterval : backoff_.Next(), status)) return;
    }
  }

  // One stream, from its beginning to its end; why it ended.
  absl::Status AttachOnce() {
    grpc::ClientContext context;
    {
      MutexLock lock(mutex_);
      if (stopping_) return absl::CancelledError("stopping");
      context_ = &context;
      attached_ = true;
      answered_ = false;
      began_ = absl::Now();
      interval_ = kFirstHeartbeatInterval;
    }
    coordinator_ = options_.coordinators->Current();
    const std::unique_ptr<v1::Workers::Stub> stub = v1::Workers::NewStub(coordinator_.channel);
    const std::unique_ptr<AttachStream> stream = stub->Attach(&context);
    v1::WorkerMessage hello;
    *hello.mutable_hello() = options_.hello;
    std::optional<std::thread> heartbeats;
    if (stream->Write(hello)) heartbeats.emplace([this, &stream] { SendHeartbeats(*stream); });
    v1::Assignment assignment;
    while (stream->Read(&assignment)) {
      if (assignment.has_actor() && assignment.actor().rollouts_addresses().empty()) {
        assignment.mutable_actor()->add_rollouts_addresses(coordinator_.address);
      }
      Follow(assignment);
    }
    {
      MutexLock lock(mutex_);
      attached_ = false;
      changed_.NotifyAll();
    }
    if (heartbeats.has_value()) heartbeats->join();
    const grpc::Status status = stream->Finish();
    MutexLock lock(mutex_);
    context_ = nullptr;
    changed_.NotifyAll();
    if (std::exchange(unanswered_, false)) {
      return absl::DeadlineExceededError(absl::StrCat("no answer for ", absl::FormatDuration(kAnswerTimeout)));
    }
    return ExplainConnecting(FromGrpc(status), options_.coordinators->tls());
  }

  void SendHeartbeats(AttachStream& stream) {
    bool more = true;
    while (more) {
      more = AwaitHeartbeat();
      v1::WorkerMessage message;
      *message.mutable_heartbeat() = options_.heartbeat();
      message.mutable_heartbeat()->set_epoch(EpochToTell());
      if (!stream.Write(message)) return;
    }
    stream.WritesDone();
  }

  // Until it is time, which is also when the epoch has changed. False: the next is the last, as the stream has ended or
  // is to.
  bool AwaitHeartbeat() {
    MutexLock lock(mutex_);
    const absl::Time due = absl::Now() + interval_;
    for (absl::Duration left = interval_;
         attached_ && !stopping_ && epoch_ == told_epoch_ && left > absl::ZeroDuration(); left = due - absl::Now()) {
      changed_.WaitFor(mutex_, left);
    }
    if (!answered_ && absl::Now() - began_ >= kAnswerTimeout) {
      unanswered_ = true;
      context_->TryCancel();
    }
    return attached_ && !stopping_;
  }

  int64_t EpochToTell() {
    MutexLock lock(mutex_);
    return told_epoch_ = epoch_;
  }

  void Follow(const v1::Assignment& assignment) {
    backoff_.Reset();
    away_.End();
    const bool attached_again = !known_attached_ && HasWork(assignment_);
    if (!std::exchange(known_attached_, true)) spdlog::info("attached to the coordinator at {}", coordinator_.address);
    {
      MutexLock lock(mutex_);
      answered_ = true;
      if (std::exchange(epoch_, assignment.epoch()) != assignment.epoch()) changed_.NotifyAll();
      if (assignment.heartbeat_ms() > 0) {
        interval_ = std::clamp(absl::Milliseconds(assignment.heartbeat_ms()), kShortestHeartbeatInterval,
                               kLongestHeartbeatInterval);
      }
    }
    if (SameWork(assignment, assignment_)) return;
    if (attached_again) {
      spdlog::warn("{} was taken away while this worker was not attached: it is fenced, what it still sends is refused",
                   StageText(StageOf(assignment_)));
    }
    assignment_ = assignment;
    options_.on_assignment(assignment);
  }

  // False once the session is to end.
  bool Wait(absl::Duration duration, const absl::Status& why) {
    MutexLock lock(mutex_);
    if (stopping_) return false;
    known_attached_ = false;
    away_.Begin(absl::Now());
    if (away_.Due(absl::Now())) Report(why);
    const absl::Time until = absl::Now() + duration;
    for (absl::Duration left = duration; !stopping_ && left > absl::ZeroDuration(); left = until - absl::Now()) {
      changed_.WaitFor(mutex_, left);
    }
    return !stopping_;
  }

  void Report(const absl::Status& why) const {
    const std::string message(why.message());
    const std::string lasting = away_.LastingText(absl::Now());
    if (absl::IsFailedPrecondition(why)) {
      spdlog::error("the coordinator at {} refuses this worker{}: {}; run programs of one release",
                    coordinator_.address, lasting, message);
    } else {
      spdlog::warn("not attached to the coordinator at {}{}: {}; trying again", coordinator_.address, lasting,
                   message.empty() ? "it ended the stream" : message);
    }
  }

  WorkerSessionOptions options_;
  // Of the session's thread alone.
  Coordinators::Peer coordinator_;  // of the latest attempt
  Backoff backoff_;
  v1::Assignment assignment_;
  bool known_attached_ = false;
  Reminder away_{absl::ZeroDuration(), kReminderInterval};

  Mutex mutex_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool attached_ ABSL_GUARDED_BY(mutex_) = false;
  bool answered_ ABSL_GUARDED_BY(mutex_) = false;    // on this stream
  bool unanswered_ ABSL_GUARDED_BY(mutex_) = false;  // for too long
  absl::Time began_ ABSL_GUARDED_BY(mutex_);         // this stream
  int64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t told_epoch_ ABSL_GUARDED_BY(mutex_) = 0;  // by the latest heartbeat
  absl::Duration interval_ ABSL_GUARDED_BY(mutex_) = kFirstHeartbeatInterval;
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::thread thread_;
};

WorkerSession::WorkerSession(WorkerSessionOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

WorkerSession::~WorkerSession() = default;

absl::Status ValidateWorkerId(const std::string& id) {
  constexpr size_t kLongest = 128;
  const auto allowed = [](char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.'; };
  if (!id.empty() && id.size() <= kLongest && std::all_of(id.begin(), id.end(), allowed)) return absl::OkStatus();
  return absl::InvalidArgumentError("worker_id: expected 1 to 128 of A-Z a-z 0-9 . _ -");
}

std::string MakeWorkerId() {
  char host[256] = "";
  if (gethostname(host, sizeof(host) - 1) != 0) host[0] = '\0';
  return absl::StrFormat("%s-%d-%08x", host, getpid(), std::random_device()());
}

}  // namespace understudy
