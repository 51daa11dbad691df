#include "learner/rollout_sink.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

// How long an order may wait for a first actor before the log says so.
constexpr absl::Duration kSilenceBeforeWarning = absl::Seconds(5);

std::string StageText(const v1::StageKey& stage) {
  return absl::StrCat("experiment '", stage.experiment_id(), "' stage ", stage.stage(), " epoch ", stage.epoch());
}

bool SameStage(const v1::StageKey& a, const v1::StageKey& b) {
  return a.experiment_id() == b.experiment_id() && a.stage() == b.stage() && a.epoch() == b.epoch();
}

}  // namespace

void RolloutSink::Begin(const v1::StageKey& stage, const v1::EnvironmentSpec& environment) {
  MutexLock lock(mutex_);
  stage_ = stage;
  dispatcher_.emplace(environment);
}

void RolloutSink::End() {
  MutexLock lock(mutex_);
  if (!dispatcher_.has_value()) return;
  dispatcher_->CloseAll(absl::OkStatus());
  dispatcher_.reset();
  stage_.Clear();
}

absl::Status RolloutSink::Run(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy,
                              const Cancellation& cancellation) {
  MutexLock lock(mutex_);
  if (!dispatcher_.has_value()) return absl::CancelledError("the stage is over");
  order_status_ = absl::OkStatus();
  dispatcher_->Add(order, std::move(policy));
  bool warned = false;
  while (!order->done() && order_status_.ok() && cancellation.Check().ok() && dispatcher_.has_value()) {
    if (changed_.WaitFor(mutex_, kSilenceBeforeWarning)) continue;
    if (dispatcher_.has_value() && dispatcher_->actors() == 0 && !warned) {
      spdlog::warn("{}: waiting for actors, none is connected", StageText(stage_));
      warned = true;
    }
  }
  if (dispatcher_.has_value()) dispatcher_->Remove(*order);
  if (absl::Status status = cancellation.Check(); !status.ok()) return status;
  if (!order_status_.ok()) return order_status_;
  return order->done() ? absl::OkStatus() : absl::CancelledError("the stage is over");
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
  dispatcher_->Connect(link);
  link->ReadNext();
}

void RolloutSink::OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) {
  MutexLock lock(mutex_);
  if (!dispatcher_.has_value() || !SameStage(link->hello().stage(), stage_)) return;
  const absl::Status status = dispatcher_->Receive(*link, message);
  if (absl::IsInvalidArgument(status)) {
    dispatcher_->Disconnect(*link);
    link->Close(status);
    return;
  }
  if (!status.ok()) order_status_ = status;
  changed_.NotifyAll();
  link->ReadNext();
}

void RolloutSink::OnGone(std::shared_ptr<ActorLink> link) {
  MutexLock lock(mutex_);
  if (dispatcher_.has_value()) dispatcher_->Disconnect(*link);
}

}  // namespace understudy
