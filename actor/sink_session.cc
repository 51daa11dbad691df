#include "actor/sink_session.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/text.h"
#include "common/rpc/channel.h"

namespace understudy {
namespace {

// How long this actor waits when it leaves: for a sink that does not answer, and for one that has results to
// acknowledge, which it may have to store first.
constexpr absl::Duration kGoodbyeTimeout = absl::Seconds(1);
constexpr absl::Duration kLastAckTimeout = absl::Seconds(5);
// How long this actor waits for the hello of a sink that answers keepalives.
constexpr absl::Duration kHelloTimeout = absl::Seconds(10);

int64_t CountSteps(const v1::TrajectoryBatch& batch) {
  int64_t steps = 0;
  for (const v1::Trajectory& trajectory : batch.trajectories()) steps += trajectory.steps();
  return steps;
}

}  // namespace

SinkSession::SinkSession(std::shared_ptr<grpc::Channel> channel, v1::ActorHello hello, RolloutCounters& counters,
                         std::function<void()> on_greeted)
    : stub_(v1::Rollouts::NewStub(std::move(channel))),
      hello_(std::move(hello)),
      counters_(counters),
      on_greeted_(std::move(on_greeted)) {}

absl::Status SinkSession::TaskQueue::Push(Task task) {
  MutexLock lock(mutex_);
  if (closed_) return absl::OkStatus();
  if (tasks_.size() >= kMaxQueuedRequests) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the sink has more than ", kMaxQueuedRequests, " requests queued"));
  }
  tasks_.push_back(std::move(task));
  changed_.NotifyAll();
  return absl::OkStatus();
}

std::optional<SinkSession::Task> SinkSession::TaskQueue::Pop() {
  MutexLock lock(mutex_);
  while (tasks_.empty() && !closed_) changed_.Wait(mutex_);
  if (closed_) return std::nullopt;
  std::optional<Task> task = std::move(tasks_.front());
  tasks_.pop_front();
  return task;
}

void SinkSession::TaskQueue::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  changed_.NotifyAll();
}

absl::Status SinkSession::Run(Cancellation& leaving, Cancellation& stopping) {
  const auto leave = leaving.OnCancel([tasks = tasks_, context = context_, greeted = greeted_] {
    tasks->Close();
    // No request is in hand yet, so there is nothing to wait for.
    if (!*greeted) context->TryCancel();
  });
  const auto stop = stopping.OnCancel([context = context_] { context->TryCancel(); });
  const std::unique_ptr<Stream> stream = stub_->RollOut(context_.get());
  v1::ActorMessage hello;
  *hello.mutable_hello() = hello_;
  stream->Write(hello);
  std::thread reader([this, &stream] { ReadAll(*stream); });
  const bool answered = AwaitGreeting();
  WorkAll(*stream);
  Part(*stream);
  reader.join();
  if (fault_.ok() && !answered) {
    fault_ = absl::UnavailableError(absl::StrCat("no hello within ", absl::FormatDuration(kHelloTimeout)));
  }
  const absl::Status status = FromGrpc(stream->Finish());
  counters_.AddQueued(-queued_);
  {
    MutexLock lock(mutex_);
    counters_.AddLost(unacknowledged_);
  }
  for (const Cancellation* cancellation : {&stopping, &leaving}) {
    if (absl::Status cancelled = cancellation->Check(); !cancelled.ok()) return cancelled;
  }
  return fault_.ok() ? status : fault_;
}

bool SinkSession::AwaitGreeting() {
  const absl::Time deadline = absl::Now() + kHelloTimeout;
  MutexLock lock(mutex_);
  while (!*greeted_ && reading_) {
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration()) {
      context_->TryCancel();
      return false;
    }
    changed_.WaitFor(mutex_, left);
  }
  return true;
}

void SinkSession::Part(Stream& stream) {
  // The sink sends its last acknowledgements, and then ends its side too.
  stream.WritesDone();
  MutexLock lock(mutex_);
  const absl::Time deadline = absl::Now() + (unacknowledged_ > 0 ? kLastAckTimeout : kGoodbyeTimeout);
  for (absl::Duration left = deadline - absl::Now(); reading_ && left > absl::ZeroDuration();
       left = deadline - absl::Now()) {
    changed_.WaitFor(mutex_, left);
  }
  // A stream that has ended must not be cancelled: it would lose its status, which says why it ended.
  if (reading_) context_->TryCancel();
}

void SinkSession::ReadAll(Stream& stream) {
  v1::SinkMessage message;
  while (fault_.ok() && stream.Read(&message)) fault_ = OnMessage(std::move(message));
  if (!fault_.ok()) context_->TryCancel();
  ended_.Cancel("the stream has ended");
  tasks_->Close();
  MutexLock lock(mutex_);
  reading_ = false;
  changed_.NotifyAll();
}

absl::Status SinkSession::OnMessage(v1::SinkMessage message) {
  if (message.has_hello() == *greeted_) {
    return absl::InvalidArgumentError("the sink's first message, and no other, must be its hello");
  }
  switch (message.kind_case()) {
    case v1::SinkMessage::kHello:
      return OnHello(message.hello());
    case v1::SinkMessage::kPolicy:
      return policies_.Add(message.policy());
    case v1::SinkMessage::kRequest:
      return Enqueue(std::move(*message.mutable_request()));
    case v1::SinkMessage::kAck:
      OnAck(message.ack());
      return absl::OkStatus();
    case v1::SinkMessage::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("the sink sent an empty message");
}

absl::Status SinkSession::OnHello(const v1::SinkHello& hello) {
  if (hello.protocol_version() != kProtocolVersion) {
    return absl::FailedPreconditionError(absl::StrCat("the sink speaks protocol version ", hello.protocol_version(),
                                                      ", this actor ", kProtocolVersion,
                                                      ": run programs of one release"));
  }
  // If this fails, every request is answered with the error.
  worker_ = RolloutWorker::Create(hello.environment(), hello.inference_width());
  if (on_greeted_) on_greeted_();
  MutexLock lock(mutex_);
  *greeted_ = true;
  changed_.NotifyAll();
  return absl::OkStatus();
}

absl::Status SinkSession::Enqueue(v1::RolloutRequest request) {
  auto policy = policies_.Find(request.policy(), request.policy_version());
  if (absl::IsNotFound(policy.status())) return policy.status();
  if (absl::Status status = tasks_->Push({std::move(request), std::move(policy)}); !status.ok()) return status;
  ++queued_;
  counters_.AddQueued(1);
  return absl::OkStatus();
}

void SinkSession::OnAck(const v1::RolloutAck& ack) {
  MutexLock lock(mutex_);
  // Clamped, so that the account stays true whatever a sink claims.
  const int64_t accepted = std::clamp<int64_t>(ack.accepted(), 0, unacknowledged_);
  const int64_t rejected = std::clamp<int64_t>(ack.rejected(), 0, unacknowledged_ - accepted);
  unacknowledged_ -= accepted + rejected;
  counters_.AddAcknowledged(accepted, rejected, ack.reason());
}

void SinkSession::WorkAll(Stream& stream) {
  while (const std::optional<Task> task = tasks_->Pop()) {
    --queued_;
    counters_.AddQueued(-1);
    counters_.SetPolicyVersion(task->request.policy_version());
    const absl::Status status = Fulfil(*task, stream);
    if (status.ok() || !ended_.Check().ok()) continue;
    v1::ActorMessage message;
    message.mutable_failure()->set_request_id(task->request.id());
    message.mutable_failure()->set_message(ErrorText(std::string(status.message())));
    stream.Write(message);
  }
}

absl::Status SinkSession::Fulfil(const Task& task, Stream& stream) {
  if (!worker_.ok()) return worker_.status();
  if (!task.policy.ok()) return task.policy.status();
  const auto emit = [&](v1::RolloutResult& result) { return Emit(result, stream); };
  return worker_->Run(task.request, **task.policy, emit, ended_);
}

absl::Status SinkSession::Emit(v1::RolloutResult& result, Stream& stream) {
  const int64_t trajectories = result.batch().trajectories_size();
  // Before the result is sent, so that what a sink acknowledges is in flight already.
  counters_.AddProduced(trajectories, CountSteps(result.batch()));
  {
    MutexLock lock(mutex_);
    unacknowledged_ += trajectories;
  }
  v1::ActorMessage message;
  // The message only borrows the result, whose memory is reused for the next.
  message.mutable_result()->Swap(&result);
  const bool written = stream.Write(message);
  message.mutable_result()->Swap(&result);
  if (written) return absl::OkStatus();
  ended_.Cancel("the stream has ended");
  return absl::UnavailableError("the stream has ended");
}

}  // namespace understudy
