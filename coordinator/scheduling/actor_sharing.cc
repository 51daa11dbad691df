#include "coordinator/scheduling/actor_sharing.h"

#include <algorithm>

namespace understudy {

void ActorSharing::AddActor(const std::string& actor) {
  actors_[actor] = nullptr;
  idle_.insert(actor);
}

void ActorSharing::RemoveActor(const std::string& actor, absl::Time now) {
  Move(actor, nullptr, now);
  idle_.erase(actor);
  changed_actors_.erase(actor);
  actors_.erase(actor);
}

void ActorSharing::AddStage(const StageId& id, int ranks, absl::Time now) {
  Stage& stage = stages_.try_emplace(id, id, ranks).first->second;
  BeginState(stage, now);
  line_.insert(PositionOf(stage));
}

void ActorSharing::RemoveStage(const StageId& id, absl::Time now) {
  const auto found = stages_.find(id);
  if (found == stages_.end()) return;
  Stage& stage = found->second;
  while (!stage.actors.empty()) {
    const std::string actor = stage.actors.ranks().begin()->first;
    Move(actor, nullptr, now);
  }
  line_.erase(PositionOf(stage));
  stages_.erase(found);
}

void ActorSharing::Share(absl::Time now) {
  ShareEvenly(now);
  TakeTurns(now);
  ShareRanks();
}

void ActorSharing::ShareEvenly(absl::Time now) {
  if (line_.empty()) return;
  while (!idle_.empty()) {
    const std::string actor = *idle_.begin();
    Move(actor, std::get<Stage*>(*line_.begin()), now);
  }
  while (std::get<size_t>(*line_.rbegin()) > std::get<size_t>(*line_.begin()) + 1) {
    const std::string actor = std::get<Stage*>(*line_.rbegin())->actors.Spare();
    Move(actor, std::get<Stage*>(*line_.begin()), now);
  }
}

void ActorSharing::TakeTurns(absl::Time now) {
  while (next_turn() <= now) {
    const std::string actor = std::get<Stage*>(*LongestHolder())->actors.Spare();
    Move(actor, std::get<Stage*>(*line_.begin()), now);
  }
}

void ActorSharing::ShareRanks() {
  for (const StageId& id : std::exchange(unbalanced_, {})) {
    const auto found = stages_.find(id);
    if (found != stages_.end()) changed_actors_.merge(found->second.actors.Balance());
  }
}

absl::Time ActorSharing::next_turn() const {
  if (line_.empty() || std::get<size_t>(*line_.begin()) > 0) return absl::InfiniteFuture();
  const auto holder = LongestHolder();
  if (holder == line_.end()) return absl::InfiniteFuture();
  return std::max(std::get<absl::Time>(*line_.begin()), std::get<absl::Time>(*holder)) + kQuantum;
}

const std::map<std::string, std::vector<int>>& ActorSharing::ActorsOf(const StageId& id) const {
  static const std::map<std::string, std::vector<int>> kNone;
  const auto found = stages_.find(id);
  return found == stages_.end() ? kNone : found->second.actors.ranks();
}

const StageId* ActorSharing::StageOf(const std::string& actor) const {
  const Stage* stage = actors_.at(actor);
  return stage == nullptr ? nullptr : &stage->id;
}

ActorSharing::Line::const_iterator ActorSharing::LongestHolder() const {
  return line_.lower_bound({1, absl::InfinitePast(), 0, nullptr});
}

void ActorSharing::BeginState(Stage& stage, absl::Time now) {
  stage.since = now;
  stage.ticket = ++last_ticket_;
  changed_stages_.insert(stage.id);
}

void ActorSharing::Move(const std::string& actor, Stage* to, absl::Time now) {
  if (Stage* from = std::exchange(actors_.at(actor), to)) {
    line_.erase(PositionOf(*from));
    from->actors.Remove(actor);
    unbalanced_.insert(from->id);
    changed_stages_.insert(from->id);
    if (from->actors.empty()) BeginState(*from, now);
    line_.insert(PositionOf(*from));
  }
  if (to == nullptr) {
    idle_.insert(actor);
  } else {
    idle_.erase(actor);
    line_.erase(PositionOf(*to));
    if (to->actors.empty()) BeginState(*to, now);
    to->actors.Add(actor);
    unbalanced_.insert(to->id);
    changed_stages_.insert(to->id);
    line_.insert(PositionOf(*to));
  }
  changed_actors_.insert(actor);
}

}  // namespace understudy
