#include "coordinator/workforce.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

constexpr int64_t kNoticeable = 2'000;  // ms

v1::WorkerHello HelloOf(const v1::StageGrant& grant) {
  v1::WorkerHello hello;
  hello.set_kind(v1::WORKER_KIND_LEARNER);
  hello.set_worker_id(grant.worker_id());
  hello.set_host(grant.host());
  hello.set_pid(grant.pid());
  hello.set_rollouts_address(grant.rollouts_address());
  return hello;
}

}  // namespace

absl::Status Workforce::Attach(const v1::WorkerHello& hello, std::shared_ptr<WorkerLink> link, absl::Time wall) {
  const absl::Time now = Counted(wall);
  const std::string& id = hello.worker_id();
  const bool known = table_.Find(id) != nullptr;
  if (!known && table_.size() >= kMaxWorkers) {
    return absl::ResourceExhaustedError(absl::StrCat(kMaxWorkers, " workers are attached: no room for ", id));
  }
  if (table_.Attach(hello, now)) {
    if (known) planner_.RemoveWorker(id, now);
    planner_.AddWorker(id, hello.kind() == v1::WORKER_KIND_LEARNER ? Role::kLearner : Role::kActor);
  } else {
    planner_.SetBack(id);
  }
  if (const auto earlier = std::exchange(links_[id], std::move(link))) {
    earlier->Close(absl::AbortedError(absl::StrCat("worker ", id, " has attached again")));
  }
  NoteHeardOf(id);
  unsent_.insert(id);
  return absl::OkStatus();
}

void Workforce::Heartbeat(const std::string& worker, const WorkerLink& link, const v1::WorkerHeartbeat& heartbeat,
                          absl::Time now) {
  const auto found = links_.find(worker);
  if (found == links_.end() || found->second.get() != &link) return;
  table_.Renew(worker, heartbeat, Counted(now));
  NoteHeardOf(worker);
  const v1::Assignment& assignment = table_.Find(worker)->assignment;
  const bool current = heartbeat.epoch() == assignment.epoch() && assignment.heartbeat_ms() == table_.heartbeat_ms();
  if (!current) unsent_.insert(worker);
}

void Workforce::Detach(const std::string& worker, const WorkerLink& link, bool left, absl::Time wall) {
  const absl::Time now = Counted(wall);
  const auto found = links_.find(worker);
  if (found == links_.end() || found->second.get() != &link) return;
  links_.erase(found);
  NoteHeardOf(worker);
  if (left || !table_.Find(worker)->assignment.has_learner()) {
    Remove(worker, now);
  } else {
    planner_.SetAway(worker, now + kReattachGrace);
  }
}

void Workforce::NoteHeardOf(const std::string& worker) {
  const v1::Assignment& assignment = table_.Find(worker)->assignment;
  if (!assignment.has_learner()) return;
  const v1::StageKey& stage = assignment.learner().stage();
  heard_of_.insert({.experiment = stage.experiment_id(), .stage = stage.stage()});
}

std::set<StageId> Workforce::TakeChangedStages() {
  std::set<StageId> changed = std::exchange(heard_of_, {});
  changed.merge(planner_.TakeChangedStages());
  return changed;
}

void Workforce::AddTraining(const StageId& id, v1::LearnerWork work, bool actors, absl::Time now) {
  training_[id] = {std::move(work), actors};
  planner_.AddStage(id, {.learner = true, .actors = actors}, Counted(now));
}

void Workforce::RestoreTraining(const StageId& id, v1::LearnerWork work, bool actors, const v1::StageGrant& grant,
                                absl::Time wall) {
  const absl::Time now = Counted(wall);
  training_[id] = {std::move(work), actors};
  const bool known = table_.Find(grant.worker_id()) != nullptr;
  if (table_.Attach(HelloOf(grant), now)) {
    if (known) planner_.RemoveWorker(grant.worker_id(), now);
    planner_.AddWorker(grant.worker_id(), Role::kLearner);
  }
  planner_.RestoreStage(id, {.learner = true, .actors = actors}, grant.worker_id(), grant.epoch(), now);
  planner_.SetAway(grant.worker_id(), now + kRestartGrace);
}

void Workforce::AddRollouts(const StageId& id, absl::Time now) {
  planner_.AddStage(id, {.learner = false, .actors = true}, Counted(now));
}

void Workforce::RemoveStage(const StageId& id, absl::Time wall) {
  const absl::Time now = Counted(wall);
  const std::string learner = planner_.LearnerOf(id);
  planner_.RemoveStage(id, now);
  training_.erase(id);
  // One that is away was kept for this stage alone: another would be stuck with it until its lease ends.
  if (!learner.empty() && !links_.contains(learner)) Remove(learner, now);
}

v1::StageGrant Workforce::GrantOf(const StageId& id) {
  v1::StageGrant grant;
  const AttachedWorker* learner = table_.Find(planner_.LearnerOf(id));
  if (learner == nullptr) return grant;
  grant.set_epoch(planner_.StageEpoch(id));
  grant.set_worker_id(learner->hello.worker_id());
  grant.set_host(learner->hello.host());
  grant.set_pid(learner->hello.pid());
  grant.set_rollouts_address(learner->hello.rollouts_address());
  return grant;
}

std::string Workforce::WaitingFor(const StageId& id) {
  const auto training = training_.find(id);
  if (training == training_.end()) return ActorsOf(id) == 0 ? "actors" : "";
  const std::string learner = planner_.LearnerOf(id);
  if (!links_.contains(learner)) return learner.empty() ? "a learner" : "its learner, which has not been heard of";
  if (!training->second.actors) return "";
  if (ActorsOf(id) == 0) return "actors";
  const v1::WorkerHeartbeat& heartbeat = table_.Find(learner)->heartbeat;
  return heartbeat.without_actors_ms() >= kNoticeable ? "actors: none has reached the learner" : "";
}

void Workforce::Plan(absl::Time wall) {
  const absl::Time now = Counted(wall);
  for (const std::string& id : table_.Expire(now)) {
    const auto link = links_.find(id);
    if (link != links_.end()) link->second->Close(absl::DeadlineExceededError("no heartbeat: the lease has ended"));
    Remove(id, now);
  }
  for (const Placement& placement : planner_.Plan(now)) {
    // One that is away and has lost its stage to another has nothing to be kept for. It may attach anew.
    if (!placement.stage && !links_.contains(placement.worker)) {
      Remove(placement.worker, now);
      continue;
    }
    v1::Assignment& assignment = table_.Find(placement.worker)->assignment;
    assignment = AssignmentFor(placement, assignment);
    unsent_.insert(placement.worker);
  }
}

void Workforce::Tell() {
  for (const std::string& id : std::exchange(unsent_, {})) {
    const auto link = links_.find(id);
    if (link == links_.end()) continue;
    v1::Assignment& assignment = table_.Find(id)->assignment;
    assignment.set_heartbeat_ms(table_.heartbeat_ms());
    link->second->Send(assignment);
  }
}

absl::Time Workforce::next_wake() const { return std::min(table_.next_expiry(), planner_.next_wake()) + pardoned_; }

std::map<v1::WorkerKind, WorkerCount> Workforce::Count() const {
  std::map<v1::WorkerKind, WorkerCount> counts;
  for (const AttachedWorker& worker : table_.workers()) {
    WorkerCount& count = counts[worker.hello.kind()];
    ++count.attached;
    if (worker.assignment.work_case() != v1::Assignment::WORK_NOT_SET) ++count.assigned;
  }
  return counts;
}

std::vector<v1::Worker> Workforce::List(absl::Time now) const {
  std::vector<v1::Worker> workers;
  for (const AttachedWorker& attached : table_.workers()) {
    v1::Worker& worker = workers.emplace_back();
    *worker.mutable_hello() = attached.hello;
    *worker.mutable_assignment() = attached.assignment;
    *worker.mutable_heartbeat() = attached.heartbeat;
    worker.set_silent_ms(absl::ToInt64Milliseconds(Counted(now) - attached.last_seen));
  }
  std::sort(workers.begin(), workers.end(),
            [](const v1::Worker& a, const v1::Worker& b) { return a.hello().worker_id() < b.hello().worker_id(); });
  return workers;
}

void Workforce::CloseAll(const absl::Status& status) {
  for (const auto& [id, link] : links_) link->Close(status);
  links_.clear();
}

void Workforce::Remove(const std::string& worker, absl::Time now) {
  planner_.RemoveWorker(worker, now);
  table_.Remove(worker);
  links_.erase(worker);
  unsent_.erase(worker);
}

v1::Assignment Workforce::AssignmentFor(const Placement& placement, const v1::Assignment& before) {
  v1::Assignment assignment;
  assignment.set_epoch(placement.epoch);
  assignment.set_lease_ms(before.lease_ms());
  assignment.set_heartbeat_ms(before.heartbeat_ms());
  if (!placement.stage) return assignment;

  v1::StageKey key;
  key.set_experiment_id(placement.stage->experiment);
  key.set_stage(placement.stage->stage);
  key.set_epoch(placement.stage_epoch);
  const std::string learner = planner_.LearnerOf(*placement.stage);
  if (learner == placement.worker) {
    *assignment.mutable_learner() = training_.at(*placement.stage).work;
    *assignment.mutable_learner()->mutable_stage() = key;
    return assignment;
  }
  *assignment.mutable_actor()->mutable_stage() = key;
  if (!learner.empty()) {
    assignment.mutable_actor()->set_rollouts_address(table_.Find(learner)->hello.rollouts_address());
  }
  return assignment;
}

}  // namespace understudy
