#include "coordinator/workforce.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace understudy {

absl::Status Workforce::Attach(const v1::WorkerHello& hello, std::shared_ptr<WorkerLink> link, absl::Time now) {
  const std::string& id = hello.worker_id();
  const bool known = table_.Find(id) != nullptr;
  if (!known && table_.size() >= kMaxWorkers) {
    return absl::ResourceExhaustedError(absl::StrCat(kMaxWorkers, " workers are attached: no room for ", id));
  }
  if (table_.Attach(hello, now)) {
    if (known) planner_.RemoveWorker(id, now);
    planner_.AddWorker(id, hello.kind() == v1::WORKER_KIND_LEARNER ? Role::kLearner : Role::kActor);
  }
  if (const auto earlier = std::exchange(links_[id], std::move(link))) {
    earlier->Close(absl::AbortedError(absl::StrCat("worker ", id, " has attached again")));
  }
  unsent_.insert(id);
  return absl::OkStatus();
}

void Workforce::Heartbeat(const std::string& worker, const WorkerLink& link, const v1::WorkerHeartbeat& heartbeat,
                          absl::Time now) {
  const auto found = links_.find(worker);
  if (found == links_.end() || found->second.get() != &link) return;
  table_.Renew(worker, heartbeat, now);
  if (heartbeat.epoch() != table_.Find(worker)->assignment.epoch()) unsent_.insert(worker);
}

void Workforce::Detach(const std::string& worker, const WorkerLink& link, bool left, absl::Time now) {
  const auto found = links_.find(worker);
  if (found == links_.end() || found->second.get() != &link) return;
  links_.erase(found);
  if (left || !table_.Find(worker)->assignment.has_learner()) Remove(worker, now);
}

void Workforce::AddTraining(const StageId& id, v1::LearnerWork work, bool actors, absl::Time now) {
  training_[id] = std::move(work);
  planner_.AddStage(id, {.learner = true, .actors = actors}, now);
}

void Workforce::AddRollouts(const StageId& id, absl::Time now) {
  planner_.AddStage(id, {.learner = false, .actors = true}, now);
}

void Workforce::RemoveStage(const StageId& id, absl::Time now) {
  const std::string learner = planner_.LearnerOf(id);
  planner_.RemoveStage(id, now);
  training_.erase(id);
  // One that is away was kept for this stage alone: another would be stuck with it until its lease ends.
  if (!learner.empty() && !links_.contains(learner)) Remove(learner, now);
}

void Workforce::Settle(absl::Time now) {
  for (const std::string& id : table_.Expire(now)) {
    const auto link = links_.find(id);
    if (link != links_.end()) link->second->Close(absl::DeadlineExceededError("no heartbeat: the lease has ended"));
    Remove(id, now);
  }
  for (const Placement& placement : planner_.Plan(now)) {
    v1::Assignment& assignment = table_.Find(placement.worker)->assignment;
    assignment = AssignmentFor(placement, assignment);
    unsent_.insert(placement.worker);
  }
  for (const std::string& id : std::exchange(unsent_, {})) {
    const auto link = links_.find(id);
    if (link != links_.end()) link->second->Send(table_.Find(id)->assignment);
  }
}

absl::Time Workforce::next_wake() const { return std::min(table_.next_expiry(), planner_.next_turn()); }

std::vector<v1::Worker> Workforce::List(absl::Time now) const {
  std::vector<v1::Worker> workers;
  for (const AttachedWorker& attached : table_.workers()) {
    v1::Worker& worker = workers.emplace_back();
    *worker.mutable_hello() = attached.hello;
    *worker.mutable_assignment() = attached.assignment;
    *worker.mutable_heartbeat() = attached.heartbeat;
    worker.set_silent_ms(absl::ToInt64Milliseconds(now - attached.last_seen));
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
    *assignment.mutable_learner() = training_.at(*placement.stage);
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
