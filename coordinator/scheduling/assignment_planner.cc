#include "coordinator/scheduling/assignment_planner.h"

#include <algorithm>
#include <utility>

namespace understudy {

void AssignmentPlanner::AddWorker(const std::string& worker, Role role) {
  workers_[worker] = Worker();
  workers_[worker].role = role;
  if (role == Role::kLearner) {
    grants_.AddLearner(worker);
  } else {
    sharing_.AddActor(worker);
  }
}

void AssignmentPlanner::RemoveWorker(const std::string& worker, absl::Time now) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  if (found->second.role == Role::kActor) {
    sharing_.RemoveActor(worker, now);
  } else if (const std::optional<StageId> lost = grants_.RemoveLearner(worker)) {
    sharing_.RemoveStage(*lost, now);
    stages_.at(*lost).epoch = 0;
  }
  changed_.erase(worker);
  workers_.erase(found);
}

void AssignmentPlanner::SetBack(const std::string& worker) {
  if (workers_.at(worker).role == Role::kLearner) grants_.SetBack(worker);
}

void AssignmentPlanner::AddStage(const StageId& id, StageDemand demand, absl::Time now) {
  Stage& stage = stages_[id];
  stage.demand = demand;
  if (demand.learners > 0) {
    grants_.AddStage(id, demand.learners);
  } else {
    stage.epoch = ++epoch_;
    StartSharing(id, demand, now);
  }
}

bool AssignmentPlanner::RestoreStage(const StageId& id, StageDemand demand, const std::vector<std::string>& learners,
                                     int64_t epoch, absl::Time now) {
  if (!grants_.RestoreStage(id, learners)) {
    AddStage(id, demand, now);
    return false;
  }
  stages_[id] = {.demand = demand, .epoch = epoch};
  StartSharing(id, demand, now);
  return true;
}

void AssignmentPlanner::RemoveStage(const StageId& id, absl::Time now) {
  sharing_.RemoveStage(id, now);
  grants_.RemoveStage(id);
  stages_.erase(id);
}

std::vector<Placement> AssignmentPlanner::Plan(absl::Time now) {
  GrantLearners(now);
  sharing_.Share(now);
  return TakePlacements();
}

absl::Time AssignmentPlanner::next_plan() const { return std::min(sharing_.next_turn(), grants_.next_takeover()); }

int64_t AssignmentPlanner::StageEpoch(const StageId& id) const {
  const auto found = stages_.find(id);
  return found == stages_.end() ? 0 : found->second.epoch;
}

std::set<StageId> AssignmentPlanner::TakeChangedStages() {
  std::set<StageId> changed = grants_.TakeChangedStages();
  changed.merge(sharing_.TakeChangedStages());
  return changed;
}

const StageId* AssignmentPlanner::StageOf(const std::string& worker) const {
  return workers_.at(worker).role == Role::kLearner ? grants_.StageOf(worker) : sharing_.StageOf(worker);
}

std::vector<int> AssignmentPlanner::RanksOf(const std::string& worker) const {
  if (workers_.at(worker).role == Role::kLearner) return {grants_.RankOf(worker)};
  return sharing_.ActorsOf(*sharing_.StageOf(worker)).at(worker);
}

void AssignmentPlanner::StartSharing(const StageId& id, const StageDemand& demand, absl::Time now) {
  if (demand.actors) sharing_.AddStage(id, demand.first_rank_alone ? 1 : demand.learners, now);
}

void AssignmentPlanner::GrantLearners(absl::Time now) {
  for (const StageId& id : grants_.Grant(now)) {
    Stage& stage = stages_.at(id);
    stage.epoch = ++epoch_;
    if (sharing_.HasStage(id)) {
      // Its actors go on, under the new epoch.
      for (const auto& [actor, ranks] : sharing_.ActorsOf(id)) changed_.insert(actor);
    } else {
      StartSharing(id, stage.demand, now);
    }
  }
}

std::vector<Placement> AssignmentPlanner::TakePlacements() {
  const LearnerGrants::ChangedLearners learners = grants_.TakeChangedLearners();
  std::set<std::string> changed = std::exchange(changed_, {});
  changed.insert(learners.all.begin(), learners.all.end());
  changed.merge(sharing_.TakeChangedActors());
  std::vector<Placement> placements;
  for (const std::string& id : changed) {
    Worker& worker = workers_.at(id);
    Placement placement;
    placement.worker = id;
    const StageId* const stage = StageOf(id);
    if (stage != nullptr) {
      placement.stage_epoch = stages_.at(*stage).epoch;
      placement.ranks = RanksOf(id);
    }
    const bool same = placement.stage_epoch == worker.told_stage_epoch && placement.ranks == worker.told_ranks;
    if (same && !learners.lost_while_away.contains(id)) continue;
    worker.told_stage_epoch = placement.stage_epoch;
    worker.told_ranks = placement.ranks;
    if (stage != nullptr) {
      placement.epoch = ++epoch_;
      placement.stage = *stage;
    }
    placements.push_back(std::move(placement));
  }
  return placements;
}

}  // namespace understudy
