#include "coordinator/workforce.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/rpc/protocol.h"

namespace understudy {
namespace {

constexpr int64_t kNoticeable = 2'000;  // ms

v1::WorkerHello HelloOf(const v1::GrantedLearner& learner) {
  v1::WorkerHello hello;
  hello.set_kind(v1::WORKER_KIND_LEARNER);
  hello.set_worker_id(learner.worker_id());
  hello.set_host(learner.host());
  hello.set_pid(learner.pid());
  hello.set_rollouts_address(learner.rollouts_address());
  return hello;
}

StageDemand DemandOf(const v1::LearnerWork& work, bool actors) {
  // A stage that learns from demonstrations needs actors only for evaluations, which rank 0 runs.
  return {.learners = work.train().learners(), .actors = actors, .first_rank_alone = work.train().has_bc()};
}

std::string WaitingForLearners(int needed, int attached) {
  if (needed == 1) return "a learner";
  const std::string learners = absl::StrCat(needed, " learners");
  if (attached >= needed) return learners;
  if (attached == 0) return absl::StrCat(learners, ": none is attached");
  return absl::StrCat(learners, ": ", attached, attached == 1 ? " is attached" : " are attached");
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
  const bool news = table_.Find(worker)->heartbeat.unreachable() != heartbeat.unreachable();
  table_.Renew(worker, heartbeat, Counted(now));
  NoteHeardOf(worker);
  if (news) NoteChanged(table_.Find(worker)->assignment.actor().stage());
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
  NoteChanged(assignment.learner().stage());
}

void Workforce::NoteChanged(const v1::StageKey& stage) {
  if (stage.experiment_id().empty()) return;
  heard_of_.insert({.experiment = stage.experiment_id(), .stage = stage.stage()});
}

std::set<StageId> Workforce::TakeChangedStages() {
  std::set<StageId> changed = std::exchange(heard_of_, {});
  changed.merge(planner_.TakeChangedStages());
  return changed;
}

void Workforce::AddTraining(const StageId& id, v1::LearnerWork work, bool actors, absl::Time now) {
  const StageDemand demand = DemandOf(work, actors);
  training_[id] = {std::move(work), actors};
  planner_.AddStage(id, demand, Counted(now));
}

void Workforce::RestoreTraining(const StageId& id, v1::LearnerWork work, bool actors, const v1::StageGrant& grant,
                                absl::Time wall) {
  const absl::Time now = Counted(wall);
  const StageDemand demand = DemandOf(work, actors);
  training_[id] = {std::move(work), actors};
  std::vector<std::string> learners;
  for (const v1::GrantedLearner& learner : grant.learners()) {
    const std::string& worker = learners.emplace_back(learner.worker_id());
    const bool known = table_.Find(worker) != nullptr;
    if (!table_.Attach(HelloOf(learner), now)) continue;
    if (known) planner_.RemoveWorker(worker, now);
    planner_.AddWorker(worker, Role::kLearner);
  }
  const bool restored = planner_.RestoreStage(id, demand, learners, grant.epoch(), now);
  for (const std::string& worker : std::set<std::string>(learners.begin(), learners.end())) {
    if (links_.contains(worker)) continue;
    planner_.SetAway(worker, now + kRestartGrace);
    // It was attached only for this stage.
    if (!restored && !planner_.HasStage(worker)) Remove(worker, now);
  }
}

void Workforce::AddRollouts(const StageId& id, absl::Time now) {
  planner_.AddStage(id, {.learners = 0, .actors = true}, Counted(now));
}

void Workforce::RemoveStage(const StageId& id, absl::Time now) {
  planner_.RemoveStage(id, Counted(now));
  training_.erase(id);
}

v1::StageGrant Workforce::GrantOf(const StageId& id) {
  v1::StageGrant grant;
  for (const std::string& worker : planner_.LearnersOf(id)) {
    const v1::WorkerHello& hello = table_.Find(worker)->hello;
    v1::GrantedLearner& learner = *grant.add_learners();
    learner.set_worker_id(hello.worker_id());
    learner.set_host(hello.host());
    learner.set_pid(hello.pid());
    learner.set_rollouts_address(hello.rollouts_address());
  }
  if (grant.learners_size() == 0) return grant;
  grant.set_epoch(planner_.StageEpoch(id));
  grant.set_protocol_version(kProtocolVersion);
  return grant;
}

std::string Workforce::WaitingFor(const StageId& id) {
  const auto training = training_.find(id);
  if (training == training_.end()) return ActorsOf(id) == 0 ? "actors" : "";
  const std::vector<std::string> learners = planner_.LearnersOf(id);
  if (learners.empty()) return WaitingForLearners(training->second.work.train().learners(), planner_.learners());
  if (std::string away = WaitingForAway(learners); !away.empty()) return away;
  for (const std::string& learner : learners) {
    if (table_.Find(learner)->heartbeat.without_ranks_ms() < kNoticeable) continue;
    return "its learners: they have not reached each other";
  }
  if (!training->second.actors) return "";
  if (ActorsOf(id) == 0) return "actors";
  for (size_t rank = 0; rank < learners.size(); ++rank) {
    if (table_.Find(learners[rank])->heartbeat.without_actors_ms() < kNoticeable) continue;
    return absl::StrCat("actors: none has reached the learner",
                        learners.size() > 1 ? absl::StrCat(" of rank ", rank) : "",
                        WhyUnreachable(id, RolloutsAddressOf(learners[rank])));
  }
  return "";
}

std::string Workforce::WhyUnreachable(const StageId& id, const std::string& address) const {
  for (const AttachedWorker& worker : table_.workers()) {
    const v1::StageKey& stage = worker.assignment.actor().stage();
    const std::string& why = worker.heartbeat.unreachable();
    if (stage.experiment_id() != id.experiment || stage.stage() != id.stage ||
        !absl::StartsWith(why, absl::StrCat(address, ": "))) {
      continue;
    }
    return absl::StrCat("; ", worker.hello.worker_id(), " says: ", why);
  }
  return "";
}

std::string Workforce::WaitingForAway(const std::vector<std::string>& learners) const {
  std::vector<size_t> away;
  for (size_t rank = 0; rank < learners.size(); ++rank) {
    if (!links_.contains(learners[rank])) away.push_back(rank);
  }
  if (away.empty()) return "";
  if (learners.size() == 1) return "its learner, which has not been heard of";
  if (away.size() == 1) return absl::StrCat("its learner of rank ", away[0], ", which has not been heard of");
  return absl::StrCat("its learners of ranks ", absl::StrJoin(away, ", "), ", which have not been heard of");
}

void Workforce::Plan(absl::Time wall) {
  const absl::Time now = Counted(wall);
  for (const std::string& id : table_.RemoveExpired(now)) {
    const auto link = links_.find(id);
    if (link != links_.end()) link->second->Close(absl::DeadlineExceededError("no heartbeat: the lease has ended"));
    Remove(id, now);
  }
  for (const Placement& placement : planner_.Plan(now)) {
    // A learner that is away was kept only for the stage that it has lost. It may attach anew.
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

absl::Time Workforce::next_plan() const { return std::min(table_.next_expiry(), planner_.next_plan()) + lapses_; }

std::map<v1::WorkerKind, WorkerCount> Workforce::Count() const {
  std::map<v1::WorkerKind, WorkerCount> counts;
  for (const AttachedWorker& worker : table_.workers()) {
    WorkerCount& count = counts[worker.hello.kind()];
    ++count.attached;
    if (worker.assignment.work_case() != v1::Assignment::WORK_NOT_SET) ++count.assigned;
  }
  return counts;
}

std::vector<v1::Worker> Workforce::List(const std::string& after, size_t limit, absl::Time now) const {
  std::vector<const AttachedWorker*> listed;
  for (const AttachedWorker& attached : table_.workers()) {
    if (attached.hello.worker_id() > after) listed.push_back(&attached);
  }
  const auto end = listed.begin() + static_cast<ptrdiff_t>(std::min(limit, listed.size()));
  std::partial_sort(listed.begin(), end, listed.end(), [](const AttachedWorker* a, const AttachedWorker* b) {
    return a->hello.worker_id() < b->hello.worker_id();
  });
  listed.erase(end, listed.end());

  std::vector<v1::Worker> workers;
  for (const AttachedWorker* attached : listed) {
    v1::Worker& worker = workers.emplace_back();
    *worker.mutable_hello() = attached->hello;
    *worker.mutable_assignment() = attached->assignment;
    *worker.mutable_heartbeat() = attached->heartbeat;
    worker.set_silent_ms(absl::ToInt64Milliseconds(Counted(now) - attached->last_seen));
  }
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
  if (table_.Find(placement.worker)->hello.kind() == v1::WORKER_KIND_LEARNER) {
    *assignment.mutable_learner() = LearnerWorkFor(placement);
    *assignment.mutable_learner()->mutable_stage() = std::move(key);
  } else {
    *assignment.mutable_actor() = ActorWorkFor(placement);
    *assignment.mutable_actor()->mutable_stage() = std::move(key);
  }
  return assignment;
}

v1::LearnerWork Workforce::LearnerWorkFor(const Placement& placement) {
  v1::LearnerWork work = training_.at(*placement.stage).work;
  const std::vector<std::string> learners = planner_.LearnersOf(*placement.stage);
  if (learners.size() > 1) {
    work.set_rank(placement.ranks.front());
    work.set_first_address(RolloutsAddressOf(learners.front()));
  }
  return work;
}

v1::ActorWork Workforce::ActorWorkFor(const Placement& placement) {
  v1::ActorWork work;
  const std::vector<std::string> learners = planner_.LearnersOf(*placement.stage);
  for (const int rank : placement.ranks) work.add_rollouts_addresses(RolloutsAddressOf(learners[rank]));
  return work;
}

const std::string& Workforce::RolloutsAddressOf(const std::string& learner) {
  return table_.Find(learner)->hello.rollouts_address();
}

}  // namespace understudy
