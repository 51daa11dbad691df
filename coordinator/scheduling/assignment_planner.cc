#include "coordinator/scheduling/assignment_planner.h"

#include <algorithm>
#include <utility>

namespace understudy {

void AssignmentPlanner::AddWorker(const std::string& worker, Role role) {
  workers_[worker] = Worker();
  workers_[worker].role = role;
  (role == Role::kLearner ? idle_learners_ : idle_actors_).insert(worker);
}

void AssignmentPlanner::RemoveWorker(const std::string& worker, absl::Time now) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  Stage* stage = found->second.stage;
  if (found->second.role == Role::kActor) {
    MoveActor(worker, nullptr, now);
  } else if (stage != nullptr) {
    StopSharing(*stage, now);
    AwaitLearner(*stage, now);
  }
  if (found->second.away_until) away_.erase({*found->second.away_until, worker});
  idle_learners_.erase(worker);
  idle_actors_.erase(worker);
  changed_.erase(worker);
  workers_.erase(found);
}

void AssignmentPlanner::AddStage(const StageId& id, StageDemand demand, absl::Time now) {
  Stage& stage = stages_[id];
  stage.id = id;
  stage.demand = demand;
  if (demand.learner) {
    AwaitLearner(stage, now);
  } else {
    stage.epoch = ++epoch_;
    StartSharing(stage, now);
  }
}

bool AssignmentPlanner::RestoreStage(const StageId& id, StageDemand demand, const std::string& learner, int64_t epoch,
                                     absl::Time now) {
  Worker& holder = workers_.at(learner);
  if (holder.stage != nullptr) {
    AddStage(id, demand, now);
    return false;
  }
  Stage& stage = stages_[id];
  stage.id = id;
  stage.demand = demand;
  stage.learner = learner;
  stage.epoch = epoch;
  holder.stage = &stage;
  idle_learners_.erase(learner);
  changed_.insert(learner);
  changed_stages_.insert(id);
  StartSharing(stage, now);
  return true;
}

void AssignmentPlanner::SetAway(const std::string& learner, absl::Time until) {
  Worker& worker = workers_.at(learner);
  if (worker.away_until) return;
  worker.away_until = until;
  idle_learners_.erase(learner);
  if (worker.stage != nullptr) away_.insert({until, learner});
}

void AssignmentPlanner::SetBack(const std::string& learner) {
  Worker& worker = workers_.at(learner);
  if (!worker.away_until) return;
  away_.erase({*worker.away_until, learner});
  worker.away_until.reset();
  if (worker.stage == nullptr) idle_learners_.insert(learner);
}

void AssignmentPlanner::RemoveStage(const StageId& id, absl::Time now) {
  const auto found = stages_.find(id);
  if (found == stages_.end()) return;
  Stage& stage = found->second;
  StopSharing(stage, now);
  waiting_.erase({stage.since, stage.order, &stage});
  if (!stage.learner.empty()) {
    Worker& learner = workers_.at(stage.learner);
    learner.stage = nullptr;
    if (learner.away_until) {
      away_.erase({*learner.away_until, stage.learner});
    } else {
      idle_learners_.insert(stage.learner);
    }
    changed_.insert(stage.learner);
  }
  stages_.erase(found);
}

std::vector<Placement> AssignmentPlanner::Plan(absl::Time now) {
  MatchLearners(now);
  ShareActors(now);
  TakeTurns(now);
  return TakeChanges();
}

absl::Time AssignmentPlanner::next_wake() const {
  const bool takeover = !away_.empty() && !idle_learners_.empty();
  return std::min(next_turn(), takeover ? away_.begin()->first : absl::InfiniteFuture());
}

absl::Time AssignmentPlanner::next_turn() const {
  if (shares_.empty() || std::get<size_t>(*shares_.begin()) > 0) return absl::InfiniteFuture();
  const auto holder = LongestHolder();
  if (holder == shares_.end()) return absl::InfiniteFuture();
  return std::max(std::get<absl::Time>(*shares_.begin()), std::get<absl::Time>(*holder)) + kQuantum;
}

int64_t AssignmentPlanner::StageEpoch(const StageId& id) const {
  const auto found = stages_.find(id);
  return found == stages_.end() ? 0 : found->second.epoch;
}

std::string AssignmentPlanner::LearnerOf(const StageId& id) const {
  const auto found = stages_.find(id);
  return found == stages_.end() ? "" : found->second.learner;
}

int AssignmentPlanner::ActorsOf(const StageId& id) const {
  const auto found = stages_.find(id);
  return found == stages_.end() ? 0 : static_cast<int>(found->second.actors.size());
}

std::set<AssignmentPlanner::Share>::const_iterator AssignmentPlanner::LongestHolder() const {
  return shares_.lower_bound({1, absl::InfinitePast(), 0, nullptr});
}

void AssignmentPlanner::SetSince(Stage& stage, absl::Time now) {
  stage.since = now;
  stage.order = ++last_order_;
  changed_stages_.insert(stage.id);
}

void AssignmentPlanner::AwaitLearner(Stage& stage, absl::Time now) {
  stage.learner.clear();
  stage.epoch = 0;
  SetSince(stage, now);
  waiting_.insert({stage.since, stage.order, &stage});
}

void AssignmentPlanner::StartSharing(Stage& stage, absl::Time now) {
  if (!stage.demand.actors) return;
  SetSince(stage, now);
  stage.sharing = true;
  shares_.insert(ShareOf(stage));
}

void AssignmentPlanner::StopSharing(Stage& stage, absl::Time now) {
  if (!stage.sharing) return;
  while (!stage.actors.empty()) {
    const std::string actor = *stage.actors.begin();
    MoveActor(actor, nullptr, now);
  }
  shares_.erase(ShareOf(stage));
  stage.sharing = false;
}

void AssignmentPlanner::MoveActor(const std::string& worker, Stage* to, absl::Time now) {
  Worker& actor = workers_.at(worker);
  if (Stage* from = std::exchange(actor.stage, to)) {
    shares_.erase(ShareOf(*from));
    from->actors.erase(worker);
    changed_stages_.insert(from->id);
    if (from->actors.empty()) SetSince(*from, now);
    shares_.insert(ShareOf(*from));
  }
  if (to == nullptr) {
    idle_actors_.insert(worker);
  } else {
    idle_actors_.erase(worker);
    shares_.erase(ShareOf(*to));
    if (to->actors.empty()) SetSince(*to, now);
    to->actors.insert(worker);
    changed_stages_.insert(to->id);
    shares_.insert(ShareOf(*to));
  }
  changed_.insert(worker);
}

void AssignmentPlanner::Grant(Stage& stage, const std::string& learner, absl::Time now) {
  stage.learner = learner;
  stage.epoch = ++epoch_;
  workers_.at(learner).stage = &stage;
  changed_.insert(learner);
  changed_stages_.insert(stage.id);
  idle_learners_.erase(learner);
  // After a takeover its actors are to go to the new learner.
  changed_.insert(stage.actors.begin(), stage.actors.end());
  if (!stage.sharing) StartSharing(stage, now);
}

void AssignmentPlanner::MatchLearners(absl::Time now) {
  while (!waiting_.empty() && !idle_learners_.empty()) {
    Stage& stage = *std::get<Stage*>(*waiting_.begin());
    waiting_.erase(waiting_.begin());
    Grant(stage, std::string(*idle_learners_.begin()), now);
  }
  while (!away_.empty() && away_.begin()->first <= now && !idle_learners_.empty()) {
    Worker& earlier = workers_.at(away_.begin()->second);
    // Told in any case, even if it never heard that it had the stage: the caller has kept it for that alone.
    earlier.told_stage_epoch = -1;
    changed_.insert(away_.begin()->second);
    away_.erase(away_.begin());
    Grant(*std::exchange(earlier.stage, nullptr), std::string(*idle_learners_.begin()), now);
  }
}

void AssignmentPlanner::ShareActors(absl::Time now) {
  if (shares_.empty()) return;
  while (!idle_actors_.empty()) {
    const std::string actor = *idle_actors_.begin();
    MoveActor(actor, std::get<Stage*>(*shares_.begin()), now);
  }
  while (std::get<size_t>(*shares_.rbegin()) > std::get<size_t>(*shares_.begin()) + 1) {
    const std::string actor = *std::get<Stage*>(*shares_.rbegin())->actors.rbegin();
    MoveActor(actor, std::get<Stage*>(*shares_.begin()), now);
  }
}

void AssignmentPlanner::TakeTurns(absl::Time now) {
  while (next_turn() <= now) {
    const std::string actor = *std::get<Stage*>(*LongestHolder())->actors.begin();
    MoveActor(actor, std::get<Stage*>(*shares_.begin()), now);
  }
}

std::vector<Placement> AssignmentPlanner::TakeChanges() {
  std::vector<Placement> placements;
  for (const std::string& id : changed_) {
    Worker& worker = workers_.at(id);
    const int64_t stage_epoch = worker.stage == nullptr ? 0 : worker.stage->epoch;
    if (stage_epoch == worker.told_stage_epoch) continue;
    worker.told_stage_epoch = stage_epoch;
    Placement& placement = placements.emplace_back();
    placement.worker = id;
    if (worker.stage == nullptr) continue;
    placement.epoch = ++epoch_;
    placement.stage = worker.stage->id;
    placement.stage_epoch = stage_epoch;
  }
  changed_.clear();
  return placements;
}

}  // namespace understudy
