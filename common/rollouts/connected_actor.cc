#include "common/rollouts/connected_actor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

absl::Status NotAsked(uint64_t request_id) {
  return absl::InvalidArgumentError(absl::StrCat("request ", request_id, " is not in flight at this actor"));
}

}  // namespace

void ActorIndex::Put(const ActorLink& actor, const State& state) {
  Remove(actor);
  states_[&actor] = state;
  if (state.in_flight < kRequestsPerActor) by_in_flight_[state.in_flight].insert(&actor);
  if (state.last_chance.has_value()) {
    by_last_chance_.insert({*state.last_chance, &actor});
  } else if (state.owes_since.has_value()) {
    by_owes_since_.insert({*state.owes_since, &actor});
  }
}

void ActorIndex::Remove(const ActorLink& actor) {
  const auto known = states_.find(&actor);
  if (known == states_.end()) return;
  const State& state = known->second;
  if (state.in_flight < kRequestsPerActor) by_in_flight_[state.in_flight].erase(&actor);
  if (state.last_chance.has_value()) {
    by_last_chance_.erase({*state.last_chance, &actor});
  } else if (state.owes_since.has_value()) {
    by_owes_since_.erase({*state.owes_since, &actor});
  }
  states_.erase(known);
}

const ActorLink* ActorIndex::WithRoom() const {
  for (const auto& actors : by_in_flight_) {
    if (!actors.empty()) return *actors.begin();
  }
  return nullptr;
}

void ConnectedActor::Ask(v1::RolloutRequest request, std::shared_ptr<Order> order,
                         std::shared_ptr<const PolicySnapshot> policy) {
  SendPolicy(std::move(policy));
  requests_[request.id()].order = std::move(order);
  v1::SinkMessage message;
  *message.mutable_request() = std::move(request);
  link_->Send(std::move(message));
}

void ConnectedActor::SendPolicy(std::shared_ptr<const PolicySnapshot> policy) {
  const auto key = std::make_pair(policy->header.name(), policy->header.version());
  if (std::find(policies_.begin(), policies_.end(), key) != policies_.end()) return;
  policies_.push_back(key);
  if (policies_.size() > kPoliciesPerStream) policies_.pop_front();
  link_->SendPolicy(std::move(policy));
}

absl::StatusOr<std::shared_ptr<Order>> ConnectedActor::NoteResult(const v1::RolloutResult& result) {
  const auto found = requests_.find(result.request_id());
  if (found == requests_.end()) return NotAsked(result.request_id());
  Request& request = found->second;
  if (result.sequence() != request.next_sequence) {
    return absl::InvalidArgumentError(absl::StrCat("request ", result.request_id(), ": found result ",
                                                   result.sequence(), ", expected ", request.next_sequence));
  }
  ++request.next_sequence;
  return request.order;
}

void ConnectedActor::NoteEnd(uint64_t request_id) {
  requests_.erase(request_id);
  answered_ = true;
}

absl::StatusOr<std::shared_ptr<Order>> ConnectedActor::NoteFailure(uint64_t request_id) {
  const auto found = requests_.find(request_id);
  if (found == requests_.end()) return NotAsked(request_id);
  std::shared_ptr<Order> order = std::move(found->second.order);
  requests_.erase(found);
  return order;
}

void ConnectedActor::Drop(const Order& order) {
  for (auto& [id, request] : requests_) {
    if (request.order.get() == &order) request.order = nullptr;
  }
}

void ConnectedActor::ReleaseRequests() const {
  for (const auto& [id, request] : requests_) {
    if (request.order != nullptr) request.order->Release(id);
  }
}

bool ConnectedActor::Owes() const {
  return std::any_of(requests_.begin(), requests_.end(),
                     [](const auto& entry) { return entry.second.order != nullptr && !entry.second.order->done(); });
}

void ConnectedActor::RestartClock(absl::Time now, absl::Duration patience) {
  owes_since_ = now;
  patience_ = patience;
  last_chance_.reset();
}

absl::Duration ConnectedActor::WaitedFor(absl::Time now) const { return std::min(now - owes_since_, patience_); }

absl::Status ConnectedActor::FencedStatus(absl::Time now) const {
  return absl::AbortedError(absl::StrCat(
      "worker '", worker_id(), "' is fenced: nothing of request ", requests_.begin()->first, " came for ",
      absl::FormatDuration(absl::Trunc(now - owes_since_, absl::Milliseconds(1))), ", its work goes to others"));
}

ActorIndex::State ConnectedActor::IndexState() const {
  const bool has_room = requests_.empty() || answered_;
  ActorIndex::State state{.in_flight = has_room ? requests_.size() : kRequestsPerActor,
                          .owes_since = std::nullopt,
                          .last_chance = std::nullopt};
  if (Owes()) {
    state.owes_since = owes_since_;
    state.last_chance = last_chance_;
  }
  return state;
}

}  // namespace understudy
