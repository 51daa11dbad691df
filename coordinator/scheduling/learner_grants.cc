#include "coordinator/scheduling/learner_grants.h"

#include <algorithm>

namespace understudy {

void LearnerQueue::Erase(int needed, const Wait& wait) {
  const auto found = waiting_.find(needed);
  if (found == waiting_.end()) return;
  found->second.erase(wait);
  if (found->second.empty()) waiting_.erase(found);
}

std::optional<StageId> LearnerQueue::Next(int idle, int all) const {
  const Wait* longest = nullptr;
  int needed = 0;
  for (const auto& [number, stages] : waiting_) {
    if (number > all) break;
    if (longest != nullptr && *longest < *stages.begin()) continue;
    longest = &*stages.begin();
    needed = number;
  }
  if (longest == nullptr || needed > idle) return std::nullopt;
  return longest->stage;
}

std::vector<StageId> LearnerQueue::NeedingMoreThan(int learners) const {
  std::vector<StageId> stages;
  for (auto waiting = waiting_.upper_bound(learners); waiting != waiting_.end(); ++waiting) {
    for (const Wait& wait : waiting->second) stages.push_back(wait.stage);
  }
  return stages;
}

void LearnerGrants::AddLearner(const std::string& learner) {
  learners_[learner] = Learner();
  idle_.insert(learner);
}

std::optional<StageId> LearnerGrants::RemoveLearner(const std::string& learner) {
  std::optional<StageId> lost;
  if (Stage* stage = learners_.at(learner).stage) {
    lost = stage->id;
    FreeLearners(*stage);
    Await(*stage);
  }
  idle_.erase(learner);
  changed_learners_.all.erase(learner);
  changed_learners_.lost_while_away.erase(learner);
  learners_.erase(learner);
  return lost;
}

void LearnerGrants::SetAway(const std::string& learner, absl::Time until) {
  Learner& known = learners_.at(learner);
  if (known.away_until) return;
  known.away_until = until;
  idle_.erase(learner);
  if (known.stage != nullptr) away_.insert({until, learner});
}

void LearnerGrants::SetBack(const std::string& learner) {
  Learner& known = learners_.at(learner);
  if (!known.away_until) return;
  away_.erase({*known.away_until, learner});
  known.away_until.reset();
  if (known.stage == nullptr) idle_.insert(learner);
}

LearnerGrants::Stage& LearnerGrants::NewStage(const StageId& id, int needed) {
  Stage& stage = stages_[id];
  stage.id = id;
  stage.needed = needed;
  changed_stages_.insert(id);
  return stage;
}

void LearnerGrants::AddStage(const StageId& id, int needed) { Await(NewStage(id, needed)); }

bool LearnerGrants::RestoreStage(const StageId& id, const std::vector<std::string>& learners) {
  const bool free = std::all_of(learners.begin(), learners.end(),
                                [this](const std::string& learner) { return learners_.at(learner).stage == nullptr; });
  if (!free || std::set<std::string>(learners.begin(), learners.end()).size() != learners.size()) return false;
  Stage& stage = NewStage(id, static_cast<int>(learners.size()));
  stage.learners.resize(learners.size());
  for (size_t rank = 0; rank < learners.size(); ++rank) Assign(learners[rank], stage, rank);
  return true;
}

void LearnerGrants::RemoveStage(const StageId& id) {
  const auto found = stages_.find(id);
  if (found == stages_.end()) return;
  waiting_.Erase(found->second.needed, found->second.Wait());
  FreeLearners(found->second);
  stages_.erase(found);
}

void LearnerGrants::Await(Stage& stage) {
  stage.ticket = ++last_ticket_;
  waiting_.Insert(stage.needed, stage.Wait());
  changed_stages_.insert(stage.id);
}

void LearnerGrants::Assign(const std::string& learner, Stage& stage, size_t rank) {
  stage.learners[rank] = learner;
  Learner& known = learners_.at(learner);
  known.stage = &stage;
  known.rank = static_cast<int>(rank);
  if (known.away_until) away_.insert({*known.away_until, learner});
  idle_.erase(learner);
  ++assigned_;
  changed_learners_.all.insert(learner);
}

void LearnerGrants::Unassign(const std::string& learner) {
  Learner& known = learners_.at(learner);
  known.stage = nullptr;
  --assigned_;
  changed_learners_.all.insert(learner);
  if (known.away_until) {
    away_.erase({*known.away_until, learner});
    changed_learners_.lost_while_away.insert(learner);
  } else {
    idle_.insert(learner);
  }
}

void LearnerGrants::FreeLearners(Stage& stage) {
  stage.earlier = std::exchange(stage.learners, {});
  for (const std::string& learner : stage.earlier) Unassign(learner);
}

std::vector<StageId> LearnerGrants::Grant(absl::Time now) {
  std::vector<StageId> granted;
  GrantIdle(granted);
  ReplaceAway(now, granted);
  // There are fewer usable learners now: a stage that needs more than there are keeps nobody waiting any longer.
  GrantIdle(granted);
  NoteUsable();
  return granted;
}

void LearnerGrants::GrantIdle(std::vector<StageId>& granted) {
  while (const auto next = waiting_.Next(static_cast<int>(idle_.size()), usable())) {
    Stage& stage = stages_.at(*next);
    waiting_.Erase(stage.needed, stage.Wait());
    stage.learners.resize(stage.needed);
    for (size_t rank = 0; rank < stage.earlier.size(); ++rank) {
      if (idle_.contains(stage.earlier[rank])) Assign(stage.earlier[rank], stage, rank);
    }
    for (size_t rank = 0; rank < stage.learners.size(); ++rank) {
      if (stage.learners[rank].empty()) Assign(std::string(*idle_.begin()), stage, rank);
    }
    changed_stages_.insert(stage.id);
    granted.push_back(stage.id);
  }
}

void LearnerGrants::ReplaceAway(absl::Time now, std::vector<StageId>& granted) {
  while (next_takeover() <= now) {
    const std::string earlier = away_.begin()->second;
    const int rank = learners_.at(earlier).rank;
    Stage& stage = *learners_.at(earlier).stage;
    Unassign(earlier);
    Assign(std::string(*idle_.begin()), stage, rank);
    // The other learners of the stage go on with the new one.
    changed_learners_.all.insert(stage.learners.begin(), stage.learners.end());
    changed_stages_.insert(stage.id);
    granted.push_back(stage.id);
  }
}

absl::Time LearnerGrants::next_takeover() const {
  return away_.empty() || idle_.empty() ? absl::InfiniteFuture() : away_.begin()->first;
}

std::vector<std::string> LearnerGrants::LearnersOf(const StageId& id) const {
  const auto found = stages_.find(id);
  return found == stages_.end() ? std::vector<std::string>() : found->second.learners;
}

const StageId* LearnerGrants::StageOf(const std::string& learner) const {
  const Stage* stage = learners_.at(learner).stage;
  return stage == nullptr ? nullptr : &stage->id;
}

void LearnerGrants::NoteUsable() {
  const int before = std::exchange(noted_usable_, usable());
  if (before == usable()) return;
  for (StageId& stage : waiting_.NeedingMoreThan(std::max(std::min(before, usable()), 1))) {
    changed_stages_.insert(std::move(stage));
  }
}

}  // namespace understudy
