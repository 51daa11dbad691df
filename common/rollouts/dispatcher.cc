#include "common/rollouts/dispatcher.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/rollouts/rejection.h"
#include "common/rpc/protocol.h"

namespace understudy {
namespace {

// Beyond, patience no longer doubles: it is over ten minutes then.
constexpr int kMaxDoublings = 6;
constexpr int kPatienceFactor = 4;

// It is stored and shown: one line, printable, of bounded length.
std::string OneLine(const std::string& text) {
  constexpr size_t kMostBytes = 1024;
  return absl::CHexEscape(text.substr(0, kMostBytes));
}

absl::Status NotAsked(uint64_t request_id) {
  return absl::InvalidArgumentError(absl::StrCat("request ", request_id, " is not in flight at this actor"));
}

// What the simulators alone take for a request: its episodes or slots run beside each other.
absl::Duration SimulatedTime(const v1::RolloutRequest& request, const v1::EnvironmentSpec& environment) {
  const int64_t steps = request.has_segments() ? request.segments().steps() : environment.max_episode_steps();
  return steps * absl::Microseconds(environment.step_latency_us());
}

// What the order makes of a result; whatever comes for an order that was removed is too late. `own`: as in Judge.
absl::StatusOr<Acceptance> Offer(Order* order, const v1::RolloutResult& result, v1::RolloutResult* own) {
  if (order == nullptr) {
    return Reject(result, kRejectedSurplus, "no longer needed");
  }
  if (absl::Status status = ValidateBatch(result.batch(), order->expectation()); !status.ok()) return status;
  return own == nullptr ? order->Accept(result) : order->AcceptAndTake(*own);
}

}  // namespace

Dispatcher::Dispatcher(v1::EnvironmentSpec environment) : environment_(std::move(environment)) {}

void Dispatcher::Add(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy, absl::Time now,
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
  for (const auto& [link, actor] : actors_) requests += static_cast<int64_t>(actor.requests.size());
  return requests;
}

void Dispatcher::Remove(const Order& order) {
  for (auto& [link, actor] : actors_) {
    for (auto& [id, request] : actor.requests) {
      if (request.order.get() == &order) request.order = nullptr;
    }
  }
  std::erase_if(orders_, [&](const ActiveOrder& active) { return active.order.get() == &order; });
  UpdateAll();
}

absl::Status Dispatcher::Connect(std::shared_ptr<ActorLink> actor, absl::Time now) {
  if (absl::Status status = fenced_.Check(actor->hello().worker_id(), now); !status.ok()) return status;
  const std::string& worker = actor->hello().worker_id();
  if (const auto earlier = by_worker_.find(worker); earlier != by_worker_.end()) {
    const std::shared_ptr<ActorLink> link = actors_.at(earlier->second).link;
    link->Close(absl::AbortedError(absl::StrCat("worker '", worker, "' has connected again, this stream is replaced")));
    Forget(*link);
  }
  v1::SinkMessage hello;
  hello.mutable_hello()->set_protocol_version(kProtocolVersion);
  *hello.mutable_hello()->mutable_environment() = environment_;
  hello.mutable_hello()->set_inference_width(kInferenceWidth);
  actor->Send(std::move(hello));
  by_worker_[worker] = actor.get();
  Actor& added = actors_[actor.get()];
  added.link = std::move(actor);
  Update(added);
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
  Release(gone->second);
  index_.Remove(actor);
  by_worker_.erase(gone->second.link->hello().worker_id());
  actors_.erase(gone);
}

void Dispatcher::Update(const Actor& actor) {
  const bool has_room = actor.requests.empty() || actor.answered;
  ActorIndex::State state{.in_flight = has_room ? actor.requests.size() : kRequestsPerActor,
                          .owes_since = std::nullopt,
                          .last_chance = std::nullopt};
  if (Owes(actor)) {
    state.owes_since = actor.owes_since;
    state.last_chance = actor.last_chance;
  }
  index_.Put(*actor.link, state);
}

void Dispatcher::UpdateAll() {
  for (const auto& [link, actor] : actors_) Update(actor);
}

void Dispatcher::Release(const Actor& actor) {
  for (const auto& [id, request] : actor.requests) {
    if (request.order != nullptr) request.order->Release(id);
  }
}

absl::Status Dispatcher::Receive(ActorLink& actor, const v1::ActorMessage& message, absl::Time now) {
  if (message.has_result()) return Receive(actor, message.result(), now);
  return Take(actor, message, now).status();
}

absl::Status Dispatcher::Receive(ActorLink& actor, v1::ActorMessage&& message, absl::Time now) {
  if (message.has_result()) return Receive(actor, message.result(), message.mutable_result(), now);
  return Take(actor, message, now).status();
}

absl::Status Dispatcher::Receive(ActorLink& actor, const v1::RolloutResult& result, absl::Time now) {
  return Receive(actor, result, nullptr, now);
}

absl::Status Dispatcher::Receive(ActorLink& actor, const v1::RolloutResult& result, v1::RolloutResult* own,
                                 absl::Time now) {
  const auto sender = actors_.find(&actor);
  if (sender == actors_.end()) {
    Count(Reject(result, kRejectedStale, "the actor was let go"));
    return absl::OkStatus();
  }
  const absl::StatusOr<Receipt> receipt = TakeResult(sender->second, result, own, now);
  if (!receipt.ok()) return receipt.status();
  Confirm(*receipt);
  if (result.last()) EndRequest(sender->second, result.request_id(), now);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<Dispatcher::Receipt>> Dispatcher::Take(ActorLink& actor, const v1::ActorMessage& message,
                                                                    absl::Time now) {
  const v1::RolloutResult& result = message.result();
  const auto sender = actors_.find(&actor);
  if (sender == actors_.end()) {
    if (message.has_result()) Count(Reject(result, kRejectedStale, "the actor was let go"));
    return std::nullopt;
  }
  if (message.has_failure()) {
    if (absl::Status failed = Fail(sender->second, message.failure(), now); !failed.ok()) return failed;
    return std::nullopt;
  }
  if (!message.has_result()) return absl::InvalidArgumentError("expected a result or a failure");
  absl::StatusOr<Receipt> receipt = TakeResult(sender->second, result, nullptr, now);
  if (!receipt.ok()) return receipt.status();
  if (result.last()) EndRequest(sender->second, result.request_id(), now);
  return *std::move(receipt);
}

absl::StatusOr<Dispatcher::Receipt> Dispatcher::TakeResult(Actor& actor, const v1::RolloutResult& result,
                                                           v1::RolloutResult* own, absl::Time now) {
  absl::StatusOr<Acceptance> acceptance = Judge(actor, result, own, now);
  if (absl::IsInvalidArgument(acceptance.status())) Count(Reject(result, kRejectedMalformed, ""));
  if (!acceptance.ok()) return acceptance.status();
  return Receipt{.actor = actor.link,
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

void Dispatcher::EndRequest(Actor& actor, uint64_t request_id, absl::Time now) {
  actor.requests.erase(request_id);
  actor.answered = true;
  Update(actor);
  Pump(now);
}

absl::StatusOr<Acceptance> Dispatcher::Judge(Actor& actor, const v1::RolloutResult& result, v1::RolloutResult* own,
                                             absl::Time now) {
  const auto found = actor.requests.find(result.request_id());
  if (found == actor.requests.end()) return NotAsked(result.request_id());
  Request& request = found->second;
  if (result.sequence() != request.next_sequence) {
    return absl::InvalidArgumentError(absl::StrCat("request ", result.request_id(), ": found result ",
                                                   result.sequence(), ", expected ", request.next_sequence));
  }
  ++request.next_sequence;
  const bool wanted = request.order != nullptr && !request.order->done();
  absl::StatusOr<Acceptance> acceptance = Offer(request.order.get(), result, own);
  for (ActiveOrder& active : orders_) {
    if (acceptance.ok() && active.order == request.order) active.accepted += acceptance->accepted;
  }
  if (!acceptance.ok()) failed_order_ = request.order.get();
  if (wanted && request.order->done()) UpdateAll();
  // Repeating what was there already is no progress.
  if (acceptance.ok() && (acceptance->accepted > 0 || result.last() || request.order == nullptr)) {
    longest_wait_ = std::max(longest_wait_, std::min(now - actor.owes_since, actor.patience));
    fences_since_result_ = 0;
    RestartClock(actor, now);
    Update(actor);
  }
  return acceptance;
}

void Dispatcher::Count(const Acceptance& acceptance) {
  accounting_.set_produced(accounting_.produced() + acceptance.accepted + acceptance.rejected);
  accounting_.set_accepted(accounting_.accepted() + acceptance.accepted);
  if (acceptance.rejected > 0) (*accounting_.mutable_rejected())[acceptance.reason] += acceptance.rejected;
}

absl::Status Dispatcher::Fail(Actor& actor, const v1::RolloutFailure& failure, absl::Time now) {
  const auto found = actor.requests.find(failure.request_id());
  if (found == actor.requests.end()) return NotAsked(failure.request_id());
  const std::shared_ptr<Order> order = found->second.order;
  actor.requests.erase(found);
  RestartClock(actor, now);
  Update(actor);
  if (order == nullptr) {
    Pump(now);
    return absl::OkStatus();
  }
  // Not asked again: whoever is asked fails, and the caller removes the order.
  failed_order_ = order.get();
  return absl::FailedPreconditionError(
      absl::StrCat("actor '", actor.link->hello().worker_id(), "': ", OneLine(failure.message())));
}

bool Dispatcher::Owes(const Actor& actor) {
  return std::any_of(actor.requests.begin(), actor.requests.end(),
                     [](const auto& entry) { return entry.second.order != nullptr && !entry.second.order->done(); });
}

void Dispatcher::RestartClock(Actor& actor, absl::Time now) const {
  actor.owes_since = now;
  actor.patience = Patience();
  actor.last_chance.reset();
}

absl::Duration Dispatcher::Patience() const {
  const int doublings = std::min(fences_since_result_, kMaxDoublings);
  return std::max(kShortestPatience + longest_simulated_, kPatienceFactor * longest_wait_) * (1 << doublings);
}

absl::Time Dispatcher::Deadline(const Actor& actor) const {
  return actor.last_chance.value_or(actor.owes_since + Patience());
}

const Dispatcher::Actor* Dispatcher::FindSlowest() const {
  if (!index_.AnyIdle()) return nullptr;
  const Actor* slowest = nullptr;
  for (const ActorLink* link : {index_.OwesLongest(), index_.LastChanceFirst()}) {
    const Actor* actor = link == nullptr ? nullptr : &actors_.at(link);
    if (actor != nullptr && (slowest == nullptr || Deadline(*actor) < Deadline(*slowest))) slowest = actor;
  }
  return slowest;
}

absl::Time Dispatcher::next_expiry() const {
  const Actor* slowest = FindSlowest();
  return slowest == nullptr ? absl::InfiniteFuture() : Deadline(*slowest);
}

void Dispatcher::Expire(absl::Time now) {
  for (const Actor* slowest = FindSlowest(); slowest != nullptr && Deadline(*slowest) <= now; slowest = FindSlowest()) {
    if (slowest->last_chance.has_value()) {
      Fence(*slowest, now);
    } else {
      Actor& overdue = actors_.at(slowest->link.get());
      overdue.last_chance = now + kLastChance;
      Update(overdue);
    }
  }
}

void Dispatcher::Fence(const Actor& actor, absl::Time now) {
  const std::shared_ptr<ActorLink> link = actor.link;
  const std::string& worker = link->hello().worker_id();
  const absl::Status status = absl::AbortedError(absl::StrCat(
      "worker '", worker, "' is fenced: nothing of request ", actor.requests.begin()->first, " came for ",
      absl::FormatDuration(absl::Trunc(now - actor.owes_since, absl::Milliseconds(1))), ", its work goes to others"));
  spdlog::warn("{}", std::string(status.message()));
  fenced_.Fence(worker, now);
  ++fences_since_result_;
  link->Close(status);
  Disconnect(*link, now);
}

void Dispatcher::CloseAll(const absl::Status& status) {
  for (const auto& [link, actor] : actors_) {
    actor.link->Close(status);
    Release(actor);
    index_.Remove(*link);
  }
  actors_.clear();
  by_worker_.clear();
}

void Dispatcher::Pump(absl::Time now) {
  // Whoever has nothing to do comes first.
  while (const ActorLink* link = index_.WithRoom()) {
    if (!Ask(actors_.at(link), now)) return;
  }
}

bool Dispatcher::Ask(Actor& actor, absl::Time now) {
  for (const ActiveOrder& active : orders_) {
    const bool enough_for_all = active.order->open() > int64_t{kInferenceWidth} * (actors() - 1);
    if (!actor.requests.empty() && (active.background || !enough_for_all)) continue;
    const uint64_t id = last_request_id_ + 1;
    std::optional<v1::RolloutRequest> request = active.order->Next(id, actors());
    if (!request.has_value()) continue;
    last_request_id_ = id;
    longest_simulated_ = std::max(longest_simulated_, SimulatedTime(*request, environment_));
    // Nobody waited for this actor until now.
    if (!Owes(actor)) RestartClock(actor, now);
    request->set_id(id);
    SendPolicy(actor, active.policy);
    v1::SinkMessage message;
    *message.mutable_request() = *std::move(request);
    actor.link->Send(std::move(message));
    actor.requests[id].order = active.order;
    Update(actor);
    return true;
  }
  return false;
}

void Dispatcher::SendPolicy(Actor& actor, std::shared_ptr<const PolicySnapshot> policy) {
  const auto key = std::make_pair(policy->header.name(), policy->header.version());
  if (std::find(actor.policies.begin(), actor.policies.end(), key) != actor.policies.end()) return;
  actor.policies.push_back(key);
  if (actor.policies.size() > kPoliciesPerStream) actor.policies.pop_front();
  actor.link->SendPolicy(std::move(policy));
}

}  // namespace understudy
