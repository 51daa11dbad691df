#include "common/rollouts/dispatcher.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/protocol.h"

namespace understudy {
namespace {

void Acknowledge(ActorLink& actor, const v1::RolloutResult& result, const Acceptance& acceptance) {
  v1::SinkMessage message;
  v1::RolloutAck& ack = *message.mutable_ack();
  ack.set_request_id(result.request_id());
  ack.set_sequence(result.sequence());
  ack.set_accepted(acceptance.accepted);
  ack.set_rejected(acceptance.rejected);
  ack.set_reason(acceptance.reason);
  actor.Send(std::move(message));
}

// It is stored and shown: one line, printable, of bounded length.
std::string OneLine(const std::string& text) {
  constexpr size_t kMostBytes = 1024;
  return absl::CHexEscape(text.substr(0, kMostBytes));
}

absl::Status NotAsked(uint64_t request_id) {
  return absl::InvalidArgumentError(absl::StrCat("request ", request_id, " is not in flight at this actor"));
}

// What the order makes of a result; whatever comes for an order that was removed is too late.
absl::StatusOr<Acceptance> Offer(Order* order, const v1::RolloutResult& result) {
  if (order == nullptr) {
    return Acceptance{.accepted = 0, .rejected = result.batch().trajectories_size(), .reason = "no longer needed"};
  }
  if (absl::Status status = ValidateBatch(result.batch(), order->expectation()); !status.ok()) return status;
  return order->Accept(result);
}

}  // namespace

Dispatcher::Dispatcher(v1::EnvironmentSpec environment) : environment_(std::move(environment)) {}

void Dispatcher::Add(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy) {
  orders_.push_back({std::move(order), std::move(policy)});
  Pump();
}

void Dispatcher::Remove(const Order& order) {
  for (auto& [link, actor] : actors_) {
    for (auto& [id, request] : actor.requests) {
      if (request.order.get() == &order) request.order = nullptr;
    }
  }
  std::erase_if(orders_, [&](const ActiveOrder& active) { return active.order.get() == &order; });
}

void Dispatcher::Connect(std::shared_ptr<ActorLink> actor) {
  const auto earlier = std::find_if(actors_.begin(), actors_.end(), [&](const auto& known) {
    return known.second.link->hello().worker_id() == actor->hello().worker_id();
  });
  if (earlier != actors_.end()) {
    earlier->second.link->Close(absl::AbortedError(
        absl::StrCat("worker '", actor->hello().worker_id(), "' has connected again, this stream is replaced")));
    Release(earlier->second);
    actors_.erase(earlier);
  }
  v1::SinkMessage hello;
  hello.mutable_hello()->set_protocol_version(kProtocolVersion);
  *hello.mutable_hello()->mutable_environment() = environment_;
  hello.mutable_hello()->set_inference_width(kInferenceWidth);
  actor->Send(std::move(hello));
  actors_[actor.get()].link = actor;
  Pump();
}

void Dispatcher::Disconnect(const ActorLink& actor) {
  const auto gone = actors_.find(&actor);
  if (gone == actors_.end()) return;
  Release(gone->second);
  actors_.erase(gone);
  Pump();
}

void Dispatcher::Release(const Actor& actor) {
  for (const auto& [id, request] : actor.requests) {
    if (request.order != nullptr) request.order->Release(id);
  }
}

absl::Status Dispatcher::Receive(ActorLink& actor, const v1::ActorMessage& message) {
  if (message.has_result()) return Receive(actor, message.result());
  const auto sender = actors_.find(&actor);
  if (sender == actors_.end()) return absl::OkStatus();
  if (message.has_failure()) return Fail(sender->second, message.failure());
  return absl::InvalidArgumentError("expected a result or a failure");
}

absl::Status Dispatcher::Receive(ActorLink& actor, const v1::RolloutResult& result) {
  const auto sender = actors_.find(&actor);
  if (sender == actors_.end()) return absl::OkStatus();
  const auto found = sender->second.requests.find(result.request_id());
  if (found == sender->second.requests.end()) return NotAsked(result.request_id());
  Request& request = found->second;
  if (result.sequence() != request.next_sequence) {
    return absl::InvalidArgumentError(absl::StrCat("request ", result.request_id(), ": found result ",
                                                   result.sequence(), ", expected ", request.next_sequence));
  }
  ++request.next_sequence;
  const absl::StatusOr<Acceptance> acceptance = Offer(request.order.get(), result);
  if (!acceptance.ok()) return acceptance.status();
  Acknowledge(actor, result, *acceptance);
  if (result.last()) {
    sender->second.requests.erase(found);
    Pump();
  }
  return absl::OkStatus();
}

absl::Status Dispatcher::Fail(Actor& actor, const v1::RolloutFailure& failure) {
  const auto found = actor.requests.find(failure.request_id());
  if (found == actor.requests.end()) return NotAsked(failure.request_id());
  const std::shared_ptr<Order> order = found->second.order;
  actor.requests.erase(found);
  if (order == nullptr) {
    Pump();
    return absl::OkStatus();
  }
  // Not asked again: whoever is asked fails, and the caller removes the order.
  return absl::FailedPreconditionError(
      absl::StrCat("actor '", actor.link->hello().worker_id(), "': ", OneLine(failure.message())));
}

void Dispatcher::CloseAll(const absl::Status& status) {
  for (const auto& [link, actor] : actors_) {
    actor.link->Close(status);
    Release(actor);
  }
  actors_.clear();
}

void Dispatcher::Pump() {
  // Whoever has nothing to do comes first.
  for (size_t in_flight = 0; in_flight < kRequestsPerActor; ++in_flight) {
    for (auto& [link, actor] : actors_) {
      if (actor.requests.size() == in_flight && !Ask(actor)) return;
    }
  }
}

bool Dispatcher::Ask(Actor& actor) {
  for (const ActiveOrder& active : orders_) {
    const uint64_t id = last_request_id_ + 1;
    std::optional<v1::RolloutRequest> request = active.order->Next(id, actors());
    if (!request.has_value()) continue;
    last_request_id_ = id;
    request->set_id(id);
    SendPolicy(actor, *active.policy);
    v1::SinkMessage message;
    *message.mutable_request() = *std::move(request);
    actor.link->Send(std::move(message));
    actor.requests[id].order = active.order;
    return true;
  }
  return false;
}

void Dispatcher::SendPolicy(Actor& actor, const PolicySnapshot& policy) {
  const auto key = std::make_pair(policy.header.name(), policy.header.version());
  if (std::find(actor.policies.begin(), actor.policies.end(), key) != actor.policies.end()) return;
  actor.policies.push_back(key);
  if (actor.policies.size() > kPoliciesPerStream) actor.policies.pop_front();
  SendInChunks(policy, [&](v1::PolicyChunk chunk) {
    v1::SinkMessage message;
    *message.mutable_policy() = std::move(chunk);
    actor.link->Send(std::move(message));
    return true;
  });
}

}  // namespace understudy
