#include "learner/learner_sink.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/rollouts/accounting.h"
#include "common/rpc/protocol.h"

namespace understudy {

void LearnerSink::Begin(const v1::StageKey& stage, const v1::EnvironmentSpec& environment) {
  MutexLock lock(mutex_);
  stage_ = stage;
  ++stages_begun_;
  dispatcher_.emplace(environment);
  dropped_ = 0;
}

void LearnerSink::End() {
  MutexLock lock(mutex_);
  if (!dispatcher_.has_value()) return;
  while (!orders_.empty()) EndOrder(*orders_.front().order, /*wanted=*/false);
  last_accounting_ = Accounting();
  earlier_ = Sum(std::move(earlier_), last_accounting_);
  policy_version_ = 0;
  dispatcher_->CloseAll(absl::OkStatus());
  dispatcher_.reset();
  stage_.Clear();
  changed_.NotifyAll();
}

void LearnerSink::Forget() {
  MutexLock lock(mutex_);
  last_accounting_.Clear();
}

absl::Status LearnerSink::Start(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy,
                                bool background) {
  MutexLock lock(mutex_);
  if (!dispatcher_.has_value()) return absl::CancelledError("the stage is over");
  orders_.push_back({.order = order});
  policy_version_ = policy->header.version();
  dispatcher_->Start(std::move(order), std::move(policy), absl::Now(), background);
  return absl::OkStatus();
}

// Another stage may have begun since.
bool LearnerSink::IsOver(int64_t stage) const { return !dispatcher_.has_value() || stages_begun_ != stage; }

absl::Status LearnerSink::Await(const Order& order, const Cancellation& cancellation) {
  MutexLock lock(mutex_);
  const int64_t stage = stages_begun_;
  awaiting_ = true;
  NoteActors(absl::Now());
  while (!IsOver(stage) && !order.done() && StatusOf(order).ok() && cancellation.Check().ok()) {
    const absl::Time next = Tick(absl::Now());
    changed_.WaitFor(mutex_, next - absl::Now());
  }
  awaiting_ = false;
  without_actors_.End();
  if (IsOver(stage)) return absl::CancelledError("the stage is over");
  const bool done = order.done();
  const absl::Status failure = StatusOf(order);
  EndOrder(order, done);
  if (absl::Status status = cancellation.Check(); !status.ok()) return status;
  return done ? absl::OkStatus() : failure;
}

bool LearnerSink::Ready(const Order& order) const {
  MutexLock lock(mutex_);
  return !dispatcher_.has_value() || order.done() || !StatusOf(order).ok();
}

void LearnerSink::Drop(const Order& order) {
  MutexLock lock(mutex_);
  if (dispatcher_.has_value()) EndOrder(order, /*wanted=*/false);
}

absl::Status LearnerSink::StatusOf(const Order& order) const {
  for (const Started& started : orders_) {
    if (started.order.get() == &order) return started.status;
  }
  return absl::OkStatus();
}

void LearnerSink::EndOrder(const Order& order, bool wanted) {
  if (!wanted) dropped_ += dispatcher_->AcceptedOf(order);
  dispatcher_->Drop(order);
  std::erase_if(orders_, [&](const Started& known) { return known.order.get() == &order; });
}

v1::TrajectoryAccounting LearnerSink::Accounting() const {
  v1::TrajectoryAccounting accounting = dispatcher_->accounting();
  int64_t pending = 0;
  for (const Started& started : orders_) pending += dispatcher_->AcceptedOf(*started.order);
  accounting.set_produced(accounting.produced() - pending);
  accounting.set_accepted(accounting.accepted() - pending - dropped_);
  if (dropped_ > 0) (*accounting.mutable_rejected())[std::string(kRejectedSurplus)] += dropped_;
  return accounting;
}

absl::Time LearnerSink::Tick(absl::Time now) {
  dispatcher_->FenceStragglers(now);
  if (without_actors_.Due(now)) {
    spdlog::warn("{}: waiting for actors, none is connected{}", StageText(stage_), without_actors_.LastingText(now));
  }
  // No infinite time: the standard library's clocks overflow.
  return std::min({dispatcher_->next_fencing(), without_actors_.next(), now + absl::Hours(1)});
}

void LearnerSink::NoteActors(absl::Time now) {
  if (awaiting_ && dispatcher_.has_value() && dispatcher_->actors() == 0) {
    without_actors_.Begin(now);
  } else if (without_actors_.End()) {
    spdlog::info("{}: an actor has connected, it goes on", StageText(stage_));
  }
  changed_.NotifyAll();
}

LearnerSink::ActorStatus LearnerSink::actor_status() const {
  MutexLock lock(mutex_);
  return {.connected = dispatcher_.has_value() ? dispatcher_->actors() : 0,
          .without_actors = without_actors_.lasting(absl::Now())};
}

v1::TrajectoryAccounting LearnerSink::accounting() const {
  MutexLock lock(mutex_);
  return dispatcher_.has_value() ? Accounting() : last_accounting_;
}

LearnerSink::Observation LearnerSink::Observe() const {
  MutexLock lock(mutex_);
  Observation seen{.trajectories = earlier_, .leased = 0, .policy_version = policy_version_};
  if (!dispatcher_.has_value()) return seen;
  seen.trajectories = Sum(std::move(seen.trajectories), Accounting());
  seen.leased = dispatcher_->leased();
  return seen;
}

void LearnerSink::Wake() {
  MutexLock lock(mutex_);
  changed_.NotifyAll();
}

void LearnerSink::OnConnected(std::shared_ptr<ActorLink> link) {
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

void LearnerSink::OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) {
  MutexLock lock(mutex_);
  if (!dispatcher_.has_value() || !SameStage(link->hello().stage(), stage_)) return;
  const absl::Status status = dispatcher_->Receive(*link, std::move(message), absl::Now());
  if (absl::IsInvalidArgument(status)) {
    dispatcher_->Disconnect(*link, absl::Now());
    link->Close(status);
    NoteActors(absl::Now());
    return;
  }
  for (Started& started : orders_) {
    if (status.ok() || started.order.get() != dispatcher_->failed_order() || !started.status.ok()) continue;
    started.status = status;
    // Nobody is to be asked for more of it.
    dropped_ += dispatcher_->AcceptedOf(*started.order);
    dispatcher_->Drop(*started.order);
  }
  changed_.NotifyAll();
  link->ReadNext();
}

void LearnerSink::OnGone(std::shared_ptr<ActorLink> link) {
  MutexLock lock(mutex_);
  if (!dispatcher_.has_value()) return;
  dispatcher_->Disconnect(*link, absl::Now());
  NoteActors(absl::Now());
}

}  // namespace understudy
