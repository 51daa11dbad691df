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
    FreeLearners(*stage);
    AwaitLearners(*stage, now);
  }
  idle_learners_.erase(worker);
  idle_actors_.erase(worker);
  changed_.erase(worker);
  workers_.erase(found);
}

void AssignmentPlanner::AddStage(const StageId& id, StageDemand demand, absl::Time now) {
  Stage& stage = stages_.try_emplace(id, id, demand).first->second;
  if (demand.learners > 0) {
    AwaitLearners(stage, now);
  } else {
    stage.epoch = ++epoch_;
    StartSharing(stage, now);
  }
}

bool AssignmentPlanner::RestoreStage(const StageId& id, StageDemand demand, const std::vector<std::string>& learners,
                                     int64_t epoch, absl::Time now) {
  const bool free = std::all_of(learners.begin(), learners.end(),
                                [this](const std::string& learner) { return workers_.at(learner).stage == nullptr; });
  if (!free || std::set<std::string>(learners.begin(), learners.end()).size() != learners.size()) {
    AddStage(id, demand, now);
    return false;
  }
  Stage& stage = stages_.try_emplace(id, id, demand).first->second;
  stage.epoch = epoch;
  stage.learners.resize(learners.size());
  for (size_t rank = 0; rank < learners.size(); ++rank) Place(learners[rank], stage, rank);
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
  waiting_.Erase(stage.demand.learners, stage.Wait());
  FreeLearners(stage);
  stages_.erase(found);
}

std::vector<Placement> AssignmentPlanner::Plan(absl::Time now) {
  GrantStages(now);
  // There are fewer learners then, and a stage that needs more keeps nobody waiting any longer.
  if (TakePlacesOver(now)) GrantStages(now);
  NoteLearners();
  ShareActors(now);
  TakeTurns(now);
  ShareRanks();
  return TakeChanges();
}

absl::Time AssignmentPlanner::next_plan() const {
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

std::vector<std::string> AssignmentPlanner::LearnersOf(const StageId& id) const {
  const auto found = stages_.find(id);
  return found == stages_.end() ? std::vector<std::string>() : found->second.learners;
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

void AssignmentPlanner::AwaitLearners(Stage& stage, absl::Time now) {
  stage.epoch = 0;
  SetSince(stage, now);
  waiting_.Insert(stage.demand.learners, stage.Wait());
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
    const std::string actor = stage.actors.ranks().begin()->first;
    MoveActor(actor, nullptr, now);
  }
  shares_.erase(ShareOf(stage));
  stage.sharing = false;
}

void AssignmentPlanner::MoveActor(const std::string& worker, Stage* to, absl::Time now) {
  Worker& actor = workers_.at(worker);
  if (Stage* from = std::exchange(actor.stage, to)) {
    shares_.erase(ShareOf(*from));
    from->actors.Remove(worker);
    unbalanced_.insert(from->id);
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
    to->actors.Add(worker);
    unbalanced_.insert(to->id);
    changed_stages_.insert(to->id);
    shares_.insert(ShareOf(*to));
  }
  changed_.insert(worker);
}

void AssignmentPlanner::Place(const std::string& learner, Stage& stage, size_t rank) {
  stage.learners[rank] = learner;
  Worker& worker = workers_.at(learner);
  worker.stage = &stage;
  worker.rank = static_cast<int>(rank);
  if (worker.away_until) away_.insert({*worker.away_until, learner});
  idle_learners_.erase(learner);
  ++placed_learners_;
  changed_.insert(learner);
}

void AssignmentPlanner::Displace(const std::string& learner) {
  Worker& worker = workers_.at(learner);
  worker.stage = nullptr;
  --placed_learners_;
  changed_.insert(learner);
  if (worker.away_until) {
    away_.erase({*worker.away_until, learner});
    worker.told_stage_epoch = -1;
  } else {
    idle_learners_.insert(learner);
  }
}

void AssignmentPlanner::FreeLearners(Stage& stage) {
  stage.earlier = std::exchange(stage.learners, {});
  for (const std::string& learner : stage.earlier) Displace(learner);
}

void AssignmentPlanner::GrantStages(absl::Time now) {
  while (const auto next = waiting_.Next(static_cast<int>(idle_learners_.size()), learners())) {
    Stage& stage = stages_.at(*next);
    waiting_.Erase(stage.demand.learners, stage.Wait());
    stage.learners.resize(stage.demand.learners);
    for (size_t rank = 0; rank < stage.earlier.size(); ++rank) {
      if (idle_learners_.contains(stage.earlier[rank])) Place(stage.earlier[rank], stage, rank);
    }
    for (size_t rank = 0; rank < stage.learners.size(); ++rank) {
      if (stage.learners[rank].empty()) Place(std::string(*idle_learners_.begin()), stage, rank);
    }
    stage.epoch = ++epoch_;
    changed_stages_.insert(stage.id);
    StartSharing(stage, now);
  }
}

bool AssignmentPlanner::TakePlacesOver(absl::Time now) {
  bool taken = false;
  while (!away_.empty() && away_.begin()->first <= now && !idle_learners_.empty()) {
    const std::string earlier = away_.begin()->second;
    const int rank = workers_.at(earlier).rank;
    Stage& stage = *workers_.at(earlier).stage;
    Displace(earlier);
    Place(std::string(*idle_learners_.begin()), stage, rank);
    stage.epoch = ++epoch_;
    changed_stages_.insert(stage.id);
    // Everybody of the stage is to go on under its new epoch.
    changed_.insert(stage.learners.begin(), stage.learners.end());
    for (const auto& [actor, ranks] : stage.actors.ranks()) changed_.insert(actor);
    taken = true;
  }
  return taken;
}

// Where there are fewer learners than a stage waits for, it says how many there are.
void AssignmentPlanner::NoteLearners() {
  const int before = std::exchange(noted_learners_, learners());
  if (before == learners()) return;
  for (StageId& stage : waiting_.NeedingMoreThan(std::max(std::min(before, learners()), 1))) {
    changed_stages_.insert(std::move(stage));
  }
}

void AssignmentPlanner::ShareActors(absl::Time now) {
  if (shares_.empty()) return;
  while (!idle_actors_.empty()) {
    const std::string actor = *idle_actors_.begin();
    MoveActor(actor, std::get<Stage*>(*shares_.begin()), now);
  }
  while (std::get<size_t>(*shares_.rbegin()) > std::get<size_t>(*shares_.begin()) + 1) {
    const std::string actor = std::get<Stage*>(*shares_.rbegin())->actors.Spare();
    MoveActor(actor, std::get<Stage*>(*shares_.begin()), now);
  }
}

void AssignmentPlanner::TakeTurns(absl::Time now) {
  while (next_turn() <= now) {
    const std::string actor = std::get<Stage*>(*LongestHolder())->actors.Spare();
    MoveActor(actor, std::get<Stage*>(*shares_.begin()), now);
  }
}

void AssignmentPlanner::ShareRanks() {
  for (const StageId& id : std::exchange(unbalanced_, {})) {
    const auto found = stages_.find(id);
    if (found != stages_.end()) changed_.merge(found->second.actors.Balance());
  }
}

std::vector<Placement> AssignmentPlanner::TakeChanges() {
  std::vector<Placement> placements;
  for (const std::string& id : changed_) {
    Worker& worker = workers_.at(id);
    Placement placement;
    placement.worker = id;
    if (worker.stage != nullptr) {
      placement.stage_epoch = worker.stage->epoch;
      placement.ranks =
          worker.role == Role::kLearner ? std::vector<int>{worker.rank} : worker.stage->actors.ranks().at(id);
    }
    if (placement.stage_epoch == worker.told_stage_epoch && placement.ranks == worker.told_ranks) continue;
    worker.told_stage_epoch = placement.stage_epoch;
    worker.told_ranks = placement.ranks;
    if (worker.stage != nullptr) {
      placement.epoch = ++epoch_;
      placement.stage = worker.stage->id;
    }
    placements.push_back(std::move(placement));
  }
  changed_.clear();
  return placements;
}

}  // namespace understudy
