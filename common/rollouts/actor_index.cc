#include "common/rollouts/actor_index.h"

namespace understudy {

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

}  // namespace understudy
