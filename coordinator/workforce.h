// The attached workers, and the running stages that they work on.
#ifndef UNDERSTUDY_COORDINATOR_WORKFORCE_H_
#define UNDERSTUDY_COORDINATOR_WORKFORCE_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "coordinator/coordinator_status.h"
#include "coordinator/scheduling/assignment_planner.h"
#include "coordinator/scheduling/stage_id.h"
#include "coordinator/scheduling/worker_table.h"
#include "coordinator/worker_link.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

inline constexpr size_t kMaxWorkers = 20'000;
// How long a learner whose stream has broken may take to attach again before another may take its place: some tries of
// a live one, and little for everybody who waits for a dead one.
inline constexpr absl::Duration kReattachGrace = absl::Milliseconds(500);
// The same after a restart of the coordinator, when learners do not know yet that it is back.
inline constexpr absl::Duration kRestartGrace = absl::Seconds(2);

// Thread-compatible; no gRPC, no clock. Assignments change in Plan alone, and are sent in Tell alone, so that what must
// be durable before anybody acts on it can be written between the two.
class Workforce {
 public:
  explicit Workforce(int64_t incarnation) : planner_(incarnation) {}

  // A worker with a valid hello. One that attaches again keeps its assignment, and its earlier link ends with ABORTED.
  // RESOURCE_EXHAUSTED: kMaxWorkers are attached.
  absl::Status Attach(const v1::WorkerHello& hello, std::shared_ptr<WorkerLink> link, absl::Time now);

  // Both ignore a link that is no longer the worker's. `left`: the worker said goodbye. It is gone at once then, and so
  // it is otherwise, but for a learner with a stage: that keeps it until its lease or the stage ends, another of the
  // stage's learners is gone, or an idle one takes its place after kReattachGrace, for it may come back.
  void Heartbeat(const std::string& worker, const WorkerLink& link, const v1::WorkerHeartbeat& heartbeat,
                 absl::Time now);
  void Detach(const std::string& worker, const WorkerLink& link, bool left, absl::Time now);

  // A stage that trains, with work.train.learners learners: `work` is what each of them is told, but for the epoch, its
  // rank, and where they meet.
  void AddTraining(const StageId& id, v1::LearnerWork work, bool actors, absl::Time now);
  // The same for a stage that an earlier coordinator had granted, to as many: they keep it, with the epoch, if they
  // attach in time.
  void RestoreTraining(const StageId& id, v1::LearnerWork work, bool actors, const v1::StageGrant& grant,
                       absl::Time now);
  // A stage whose actors come to the coordinator.
  void AddRollouts(const StageId& id, absl::Time now);
  void RemoveStage(const StageId& id, absl::Time now);

  // 0: no such stage, or it waits for learners.
  int64_t StageEpoch(const StageId& id) const { return planner_.StageEpoch(id); }
  int ActorsOf(const StageId& id) const { return planner_.ActorsOf(id); }
  // Who trains a stage, by the last Plan; epoch 0: nobody.
  v1::StageGrant GrantOf(const StageId& id);
  // What a stage cannot go on without at the moment: "a learner", "2 learners: 1 is attached", "actors" …; empty:
  // nothing.
  std::string WaitingFor(const StageId& id);

  // Stages of which GrantOf, ActorsOf or WaitingFor may say something else than before the last call.
  std::set<StageId> TakeChangedStages();

  // For so long, lately, this process did not run, or the clock was set forward (negative: back): nobody's lease ends
  // because of that.
  void Pardon(absl::Duration lapse) { pardoned_ += lapse; }

  // Ends leases and plans.
  void Plan(absl::Time now);
  // Tells every worker whose assignment changed. How often it is to send heartbeats it is told with that, or, where
  // that has changed by itself, in answer to its next heartbeat.
  void Tell();

  // When Plan should be called even if nothing happens.
  absl::Time next_wake() const;

  // Lists workers by id, from behind `after` on, at most `limit`.
  std::vector<v1::Worker> List(const std::string& after, size_t limit, absl::Time now) const;
  std::map<v1::WorkerKind, WorkerCount> Count() const;

  void CloseAll(const absl::Status& status);

 private:
  // Leases and turns are counted in this time.
  absl::Time Counted(absl::Time now) const { return now - pardoned_; }
  void Remove(const std::string& worker, absl::Time now);
  // The worker, which is attached, was heard of.
  void NoteHeardOf(const std::string& worker);
  v1::Assignment AssignmentFor(const Placement& placement, const v1::Assignment& before);
  v1::LearnerWork LearnerWorkFor(const Placement& placement);
  v1::ActorWork ActorWorkFor(const Placement& placement);
  const std::string& RolloutsAddressOf(const std::string& learner);
  // Of learners by rank, which are granted: those that are away.
  std::string WaitingForAway(const std::vector<std::string>& learners) const;

  WorkerTable table_;
  AssignmentPlanner planner_;
  absl::Duration pardoned_;
  struct Training {
    v1::LearnerWork work;
    bool actors = false;
  };
  std::map<StageId, Training> training_;
  std::unordered_map<std::string, std::shared_ptr<WorkerLink>> links_;
  std::set<StageId> heard_of_;    // stages whose learner said something, came, or went away
  std::set<std::string> unsent_;  // workers that are to hear of their assignment
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_WORKFORCE_H_
