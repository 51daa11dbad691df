#include "common/rollouts/dispatcher.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/rollouts/accounting.h"
#include "common/rpc/protocol.h"

namespace understudy {
namespace {

// An actor's message, fit to be stored and shown: one line, printable, of bounded length.
std::string OneLine(const std::string& text) {
  constexpr size_t kMostBytes = 1024;
  return absl::CHexEscape(text.substr(0, kMostBytes));
}

// How long the simulators alone take for a request, whose episodes or slots run side by side.
absl::Duration SimulatedTime(const v1::RolloutRequest& request, const v1::EnvironmentSpec& environment) {
  const int64_t steps = request.has_segments() ? request.segments().steps() : environment.max_episode_steps();
  return steps * absl::Microseconds(environment.step_latency_us());
}

// Validates a result and offers it to its order; nullptr: the order was dropped.
absl::StatusOr<Acceptance> Offer(Order* order, v1::RolloutResult& result) {
  if (order == nullptr) return Reject(result, kRejectedSurplus, "no longer needed");
  if (absl::Status status = ValidateBatch(result.batch(), order->expectation()); !status.ok()) return status;
  return order->Accept(std::move(result));
}

}  // namespace

Dispatcher::Dispatcher(v1::EnvironmentSpec environment) : environment_(std::move(environment)) {}

void Dispatcher::Start(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy, absl::Time now,
                       bool background) {
  const auto place = std::find_if(orders_.begin(), orders_.end(),
                                  [&](const ActiveOrder& active) { return active.background && !background; });
  orders_.insert(place, {.order = std::move(order), .policy = std::move(policy), .background = background});
  Pump(now);
}

int64_t Dispatcher::AcceptedOf(const Order& order) const {
  for (const ActiveOrder& active : orders_) {
    if (active.order.get() == &order) return active.accepted;
  }
  return 0;
}

int64_t Dispatcher::leased() const {
  int64_t requests = 0;
  for (const auto& [link, actor] : actors_) requests += static_cast<int64_t>(actor.in_flight());
  return requests;
}

void Dispatcher::Drop(const Order& order) {
  for (auto& [link, actor] : actors_) actor.Drop(order);
  std::erase_if(orders_, [&](const ActiveOrder& active) { return active.order.get() == &order; });
  UpdateAll();
}

absl::Status Dispatcher::Connect(std::shared_ptr<ActorLink> actor, absl::Time now) {
  if (absl::Status status = fenced_.Check(actor->hello().worker_id(), now); !status.ok()) return status;
  const std::string& worker = actor->hello().worker_id();
  if (const auto earlier = by_worker_.find(worker); earlier != by_worker_.end()) {
    const std::shared_ptr<ActorLink> link = actors_.at(earlier->second).link();
    link->Close(absl::AbortedError(absl::StrCat("worker '", worker, "' has connected again, this stream is replaced")));
    Forget(*link);
  }
  v1::SinkMessage hello;
  hello.mutable_hello()->set_protocol_version(kProtocolVersion);
  *hello.mutable_hello()->mutable_environment() = environment_;
  hello.mutable_hello()->set_inference_width(kInferenceWidth);
  actor->Send(std::move(hello));
  by_worker_[worker] = actor.get();
  const ActorLink* const link = actor.get();
  Update(actors_.emplace(link, std::move(actor)).first->second);
  Pump(now);
  return absl::OkStatus();
}

void Dispatcher::Disconnect(const ActorLink& actor, absl::Time now) {
  if (!actors_.contains(&actor)) return;
  Forget(actor);
  Pump(now);
}

void Dispatcher::Forget(const ActorLink& actor) {
  const auto gone = actors_.find(&actor);
  gone->second.ReleaseRequests();
  index_.Remove(actor);
  by_worker_.erase(gone->second.worker_id());
  actors_.erase(gone);
}

void Dispatcher::UpdateAll() {
  for (const auto& [link, actor] : actors_) Update(actor);
}

absl::Status Dispatcher::Receive(ActorLink& actor, v1::ActorMessage&& message, absl::Time now) {
  return ReceiveMessage(actor, message, now, /*confirm=*/true).status();
}

absl::StatusOr<std::optional<Dispatcher::Receipt>> Dispatcher::ReceiveUnconfirmed(ActorLink& actor,
                                                                                  v1::ActorMessage& message,
                                                                                  absl::Time now) {
  return ReceiveMessage(actor, message, now, /*confirm=*/false);
}

absl::StatusOr<std::optional<Dispatcher::Receipt>> Dispatcher::ReceiveMessage(ActorLink& actor,
                                                                              v1::ActorMessage& message, absl::Time now,
                                                                              bool confirm) {
  const auto sender = actors_.find(&actor);
  if (sender == actors_.end()) {
    if (message.has_result()) Count(Reject(message.result(), kRejectedStale, "the actor was let go"));
    return std::nullopt;
  }
  if (message.has_failure()) {
    if (absl::Status failed = ReceiveFailure(sender->second, message.failure(), now); !failed.ok()) return failed;
    return std::nullopt;
  }
  if (!message.has_result()) return absl::InvalidArgumentError("expected a result or a failure");
  v1::RolloutResult& result = *message.mutable_result();
  absl::StatusOr<Receipt> receipt = ReceiveResult(sender->second, result, now);
  if (!receipt.ok()) return receipt.status();
  if (confirm) Confirm(*receipt);
  if (result.last()) EndRequest(sender->second, result.request_id(), now);
  return *std::move(receipt);
}

absl::StatusOr<Dispatcher::Receipt> Dispatcher::ReceiveResult(ConnectedActor& actor, v1::RolloutResult& result,
                                                              absl::Time now) {
  absl::StatusOr<Acceptance> acceptance = Judge(actor, result, now);
  if (absl::IsInvalidArgument(acceptance.status())) Count(Reject(result, kRejectedMalformed, ""));
  if (!acceptance.ok()) return acceptance.status();
  return Receipt{.actor = actor.link(),
                 .request_id = result.request_id(),
                 .sequence = result.sequence(),
                 .acceptance = *std::move(acceptance)};
}

void Dispatcher::Confirm(const Receipt& receipt) {
  Count(receipt.acceptance);
  v1::SinkMessage message;
  v1::RolloutAck& ack = *message.mutable_ack();
  ack.set_request_id(receipt.request_id);
  ack.set_sequence(receipt.sequence);
  ack.set_accepted(receipt.acceptance.accepted);
  ack.set_rejected(receipt.acceptance.rejected);
  ack.set_reason(receipt.acceptance.reason);
  ack.set_detail(receipt.acceptance.detail);
  receipt.actor->Send(std::move(message));
}

void Dispatcher::EndRequest(ConnectedActor& actor, uint64_t request_id, absl::Time now) {
  actor.NoteEnd(request_id);
  Update(actor);
  Pump(now);
}

absl::StatusOr<Acceptance> Dispatcher::Judge(ConnectedActor& actor, v1::RolloutResult& result, absl::Time now) {
  const absl::StatusOr<std::shared_ptr<Order>> asked = actor.NoteResult(result);
  if (!asked.ok()) return asked.status();
  Order* const order = asked->get();
  const bool wanted = order != nullptr && !order->done();
  absl::StatusOr<Acceptance> acceptance = Offer(order, result);
  for (ActiveOrder& active : orders_) {
    if (acceptance.ok() && active.order.get() == order) active.accepted += acceptance->accepted;
  }
  if (!acceptance.ok()) failed_order_ = order;
  if (wanted && order->done()) UpdateAll();
  // Repeating what has come before is no progress.
  if (acceptance.ok() && (acceptance->accepted > 0 || result.last() || order == nullptr)) {
    patience_.NoteResult(actor.WaitedFor(now));
    actor.RestartClock(now, patience_.current());
    Update(actor);
  }
  return acceptance;
}

void Dispatcher::Count(const Acceptance& acceptance) {
  accounting_.set_produced(accounting_.produced() + acceptance.accepted + acceptance.rejected);
  accounting_.set_accepted(accounting_.accepted() + acceptance.accepted);
  if (acceptance.rejected > 0) (*accounting_.mutable_rejected())[acceptance.reason] += acceptance.rejected;
}

absl::Status Dispatcher::ReceiveFailure(ConnectedActor& actor, const v1::RolloutFailure& failure, absl::Time now) {
  const absl::StatusOr<std::shared_ptr<Order>> order = actor.NoteFailure(failure.request_id());
  if (!order.ok()) return order.status();
  actor.RestartClock(now, patience_.current());
  Update(actor);
  if (*order == nullptr) {
    Pump(now);
    return absl::OkStatus();
  }
  // Its work is not released: every other actor would fail likewise. The caller drops the order.
  failed_order_ = order->get();
  return absl::FailedPreconditionError(absl::StrCat("actor '", actor.worker_id(), "': ", OneLine(failure.message())));
}

const ConnectedActor* Dispatcher::FindSlowest() const {
  if (!index_.AnyIdle()) return nullptr;
  const ConnectedActor* slowest = nullptr;
  for (const ActorLink* link : {index_.OwesLongest(), index_.LastChanceFirst()}) {
    const ConnectedActor* actor = link == nullptr ? nullptr : &actors_.at(link);
    if (actor != nullptr && (slowest == nullptr || Deadline(*actor) < Deadline(*slowest))) slowest = actor;
  }
  return slowest;
}

absl::Time Dispatcher::next_fencing() const {
  const ConnectedActor* slowest = FindSlowest();
  return slowest == nullptr ? absl::InfiniteFuture() : Deadline(*slowest);
}

void Dispatcher::FenceStragglers(absl::Time now) {
  for (const ConnectedActor* slowest = FindSlowest(); slowest != nullptr && Deadline(*slowest) <= now;
       slowest = FindSlowest()) {
    if (slowest->has_last_chance()) {
      Fence(*slowest, now);
    } else {
      ConnectedActor& overdue = actors_.at(slowest->link().get());
      overdue.GiveLastChance(now + kLastChance);
      Update(overdue);
    }
  }
}

void Dispatcher::Fence(const ConnectedActor& actor, absl::Time now) {
  const std::shared_ptr<ActorLink> link = actor.link();
  const absl::Status status = actor.FencedStatus(now);
  spdlog::warn("{}", std::string(status.message()));
  fenced_.Fence(actor.worker_id(), now);
  patience_.NoteFence();
  link->Close(status);
  Disconnect(*link, now);
}

void Dispatcher::CloseAll(const absl::Status& status) {
  for (const auto& [link, actor] : actors_) {
    actor.link()->Close(status);
    actor.ReleaseRequests();
    index_.Remove(*link);
  }
  actors_.clear();
  by_worker_.clear();
}

void Dispatcher::Pump(absl::Time now) {
  // The index gives idle actors first.
  while (const ActorLink* link = index_.WithRoom()) {
    if (!Ask(actors_.at(link), now)) return;
  }
}

bool Dispatcher::Ask(ConnectedActor& actor, absl::Time now) {
  for (const ActiveOrder& active : orders_) {
    const bool enough_for_all = active.order->open() > int64_t{kInferenceWidth} * (actors() - 1);
    if (actor.in_flight() > 0 && (active.background || !enough_for_all)) continue;
    const uint64_t id = last_request_id_ + 1;
    std::optional<v1::RolloutRequest> request = active.order->Next(id, actors());
    if (!request.has_value()) continue;
    last_request_id_ = id;
    request->set_id(id);
    patience_.NoteRequest(SimulatedTime(*request, environment_));
    // The sink has not been waiting for this actor until now.
    if (!actor.Owes()) actor.RestartClock(now, patience_.current());
    actor.Ask(*std::move(request), active.order, active.policy);
    Update(actor);
    return true;
  }
  return false;
}

}  // namespace understudy
