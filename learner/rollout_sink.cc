#include "learner/rollout_sink.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rpc/stage_key.h"

namespace understudy {
void RolloutSink::Begin(const v1::StageKey& stage, const v1::EnvironmentSpec& environment) {
  MutexLock lock(mutex_);
  stage_ = stage;
  dispatcher_.emplace(environment);
}

void RolloutSink::End() {
  MutexLock lock(mutex_);
  if (!dispatcher_.has_value()) return;
  last_accounting_ = dispatcher_->accounting();
  dispatcher_->CloseAll(absl::OkStatus());
  dispatcher_.reset();
  stage_.Clear();
}

void RolloutSink::Forget() {
  MutexLock lock(mutex_);
  last_accounting_.Clear();
}

absl::Status RolloutSink::Run(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy,
                              const Cancellation& cancellation) {
  MutexLock lock(mutex_);
  if (!dispatcher_.has_value()) return absl::CancelledError("the stage is over");
  order_status_ = absl::OkStatus();
  dispatcher_->Add(order, std::move(policy), absl::Now());
  running_ = true;
  NoteActors(absl::Now());
  while (!order->done() && order_status_.ok() && cancellation.Check().ok() && dispatcher_.has_value()) {
    const absl::Time next = Tick(absl::Now());
    changed_.WaitFor(mutex_, next - absl::Now());
  }
  running_ = false;
  without_actors_.End();
  if (dispatcher_.has_value()) dispatcher_->Remove(*order);
  if (absl::Status status = cancellation.Check(); !status.ok()) return status;
  if (!order_status_.ok()) return order_status_;
  return order->done() ? absl::OkStatus() : absl::CancelledError("the stage is over");
}

absl::Time RolloutSink::Tick(absl::Time now) {
  dispatcher_->Expire(now);
  if (without_actors_.Due(now)) {
    spdlog::warn("{}: waiting for actors, none is connected{}", StageText(stage_), without_actors_.LastingText(now));
  }
  // No infinite time: the standard library's clocks overflow.
  return std::min({dispatcher_->next_expiry(), without_actors_.next(), now + absl::Hours(1)});
}

void RolloutSink::NoteActors(absl::Time now) {
  if (running_ && dispatcher_.has_value() && dispatcher_->actors() == 0) {
    without_actors_.Begin(now);
  } else if (without_actors_.End()) {
    spdlog::info("{}: an actor has connected, it goes on", StageText(stage_));
  }
  changed_.NotifyAll();
}

RolloutSink::ActorStatus RolloutSink::actor_status() const {
  MutexLock lock(mutex_);
  return {.connected = dispatcher_.has_value() ? dispatcher_->actors() : 0,
          .without_actors = without_actors_.lasting(absl::Now())};
}

v1::TrajectoryAccounting RolloutSink::accounting() const {
  MutexLock lock(mutex_);
  return dispatcher_.has_value() ? dispatcher_->accounting() : last_accounting_;
}

void RolloutSink::Wake() {
  MutexLock lock(mutex_);
  changed_.NotifyAll();
}

void RolloutSink::OnConnected(std::shared_ptr<ActorLink> link) {
  MutexLock lock(mutex_);
  const v1::StageKey& wanted = link->hello().stage();
  if (!dispatcher_.has_value() || !SameStage(wanted, stage_)) {
    link->Close(absl::FailedPreconditionError(absl::StrCat("this learner works on ",
                                                           dispatcher_.has_value() ? StageText(stage_) : "no stage",
                                                           ", the actor came for ", StageText(wanted))));
    return;
  }
  if (absl::Status status = dispatcher_->Connect(link, absl::Now()); !status.ok()) {
    link->Close(std::move(status));
    return;
  }
  NoteActors(absl::Now());
  link->ReadNext();
}

void RolloutSink::OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) {
  MutexLock lock(mutex_);
  if (!dispatcher_.has_value() || !SameStage(link->hello().stage(), stage_)) return;
  const absl::Status status = dispatcher_->Receive(*link, std::move(message), absl::Now());
  if (absl::IsInvalidArgument(status)) {
    dispatcher_->Disconnect(*link, absl::Now());
    link->Close(status);
    NoteActors(absl::Now());
    return;
  }
  if (!status.ok()) order_status_ = status;
  changed_.NotifyAll();
  link->ReadNext();
}

void RolloutSink::OnGone(std::shared_ptr<ActorLink> link) {
  MutexLock lock(mutex_);
  if (!dispatcher_.has_value()) return;
  dispatcher_->Disconnect(*link, absl::Now());
  NoteActors(absl::Now());
}

}  // namespace understudy
