#include "tests/benchmarks/cluster/worker.h"

#include <utility>

#include "absl/time/clock.h"
#include "common/rpc/protocol.h"

namespace understudy::simulation {
namespace {

constexpr absl::Duration kReconnect = absl::Milliseconds(200);

const v1::StageKey& StageOf(const v1::Assignment& assignment) {
  return assignment.has_learner() ? assignment.learner().stage() : assignment.actor().stage();
}

}  // namespace

Worker::Worker(WorkerContext& context, v1::WorkerHello hello, const std::shared_ptr<grpc::Channel>& channel)
    : context_(context),
      hello_(std::move(hello)),
      workers_(v1::Workers::NewStub(channel)),
      rollouts_(v1::Rollouts::NewStub(channel)) {}

void Worker::Attach() {
  ++context_.unanswered;
  MutexLock lock(mutex_);
  attached_at_ = absl::Now();
  answered_ = false;
  leaving_ = false;
  epoch_ = 0;
  stage_.Clear();
  attach_ = AttachClient::Begin(
      *workers_, hello_,
      [self = shared_from_this()](const v1::Assignment& assignment) { self->OnAssignment(assignment); },
      [self = shared_from_this()](const grpc::Status& status) {
        MutexLock own_lock(self->mutex_);
        if (!status.ok() && !self->leaving_) ++self->context_.broken;
      });
  context_.timers.After(interval_, [self = shared_from_this(), client = attach_] { self->SendHeartbeats(client); });
}

void Worker::Leave() {
  MutexLock lock(mutex_);
  leaving_ = true;
  if (roll_out_ != nullptr) std::exchange(roll_out_, nullptr)->Cancel();
  if (attach_ != nullptr) std::exchange(attach_, nullptr)->Leave();
}

void Worker::Cancel() {
  MutexLock lock(mutex_);
  leaving_ = true;
  if (roll_out_ != nullptr) std::exchange(roll_out_, nullptr)->Cancel();
  if (attach_ != nullptr) std::exchange(attach_, nullptr)->Cancel();
}

void Worker::SendHeartbeats(const std::shared_ptr<AttachClient>& client) {
  MutexLock lock(mutex_);
  if (attach_ != client) return;
  ++context_.heartbeats;
  client->Heartbeat(epoch_, 0);
  context_.timers.After(interval_, [self = shared_from_this(), client] { self->SendHeartbeats(client); });
}

void Worker::OnAssignment(const v1::Assignment& assignment) {
  ++context_.assignments;
  MutexLock lock(mutex_);
  if (attach_ == nullptr) return;
  if (!std::exchange(answered_, true)) {
    context_.attached.Add(absl::Now() - attached_at_);
    --context_.unanswered;
  }
  if (assignment.heartbeat_ms() > 0) interval_ = absl::Milliseconds(assignment.heartbeat_ms());
  if (std::exchange(epoch_, assignment.epoch()) == assignment.epoch()) return;
  // As a worker does, it tells at once that it has heard.
  ++context_.heartbeats;
  attach_->Heartbeat(epoch_, 0);
  if (assignment.work_case() != v1::Assignment::WORK_NOT_SET) Measure(StageOf(assignment), assignment.has_learner());
  FollowRollouts(assignment);
  if (assignment.has_learner()) context_.train(assignment.learner());
}

// Whoever goes from a stage to the next of the same experiment does so because of what ended that stage; others may
// have moved for other reasons, and are left out.
void Worker::Measure(const v1::StageKey& stage, bool learner) {
  const bool next = stage.experiment_id() == stage_.experiment_id() && stage.stage() == stage_.stage() + 1;
  const bool first = learner && stage.stage() == 0;
  if (next || first) {
    if (const auto began = context_.clock.BeganAfter(stage)) {
      (next ? context_.succeeded : context_.submitted).Add(absl::Now() - *began);
    }
  }
  stage_ = stage;
}

void Worker::FollowRollouts(const v1::Assignment& assignment) {
  if (roll_out_ != nullptr) std::exchange(roll_out_, nullptr)->Cancel();
  if (assignment.has_actor() && assignment.actor().rollouts_addresses().empty()) BeginRollouts();
}

void Worker::BeginRollouts() {
  roll_out_ = RolloutClient::Begin(
      *rollouts_, hello_.worker_id(), stage_,
      [&clock = context_.clock, stage = stage_] { clock.MayEnd(stage, absl::Now()); },
      [self = shared_from_this(), epoch = epoch_](const grpc::Status& status) {
        self->OnRolloutsEnded(epoch, status);
      });
}

// The stage is over, and the next assignment on its way; or this actor was refused, and tries again.
void Worker::OnRolloutsEnded(int64_t epoch, const grpc::Status& status) {
  if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) ++context_.broken;
  context_.timers.After(kReconnect, [self = shared_from_this(), epoch] {
    MutexLock lock(self->mutex_);
    if (self->epoch_ == epoch && self->roll_out_ != nullptr) self->BeginRollouts();
  });
}

}  // namespace understudy::simulation
