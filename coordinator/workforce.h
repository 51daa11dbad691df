// The workers that are attached to the coordinator, the links to them, their assignments, and the running stages that
// they work on.
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
#include "understudy/v1/workers.pb.h"

namespace understudy {

// The coordinator's end of one worker's Attach stream. Thread-safe; no function blocks. Implementations: the gRPC
// stream (workers_service.cc), fakes in tests.
class WorkerLink {
 public:
  virtual ~WorkerLink() = default;

  // Sends an assignment. It replaces one that has not been sent yet, since only the latest counts. After Close, no
  // assignment is sent any more.
  virtual void Send(v1::Assignment assignment) = 0;

  // Lets the worker's next message in. No message comes before this call, so a worker cannot flood the coordinator. The
  // Workforce never calls this: its caller does, after each message.
  virtual void ReadNext() = 0;

  // Ends the stream with this status.
  virtual void Close(absl::Status status) = 0;
};

inline constexpr size_t kMaxWorkers = 20'000;
// How long a learner's place is kept after its stream has broken. After that, an idle learner may take it. A live
// learner tries several times within this time to attach again. If the learner is dead and another one is idle, the
// stage's other learners lose only this short time. If no learner is idle, they wait until the dead learner's lease
// ends, and lose the stage.
inline constexpr absl::Duration kReattachGrace = absl::Milliseconds(500);
// How long a place is kept after a restart of the coordinator. It is longer: learners must first find out that the
// coordinator is back.
inline constexpr absl::Duration kRestartGrace = absl::Seconds(2);

// A worker is attached from its hello until it says goodbye, its stream breaks, or its lease ends because it was
// silent. A learner that has a stage may come back after its stream has broken, so it stays attached. It is detached
// when its lease ends or when it loses the stage. It loses the stage when the stage ends, or when one of the stage's
// other learners is detached. An idle learner may also take its place after the grace (kReattachGrace, kRestartGrace).
// After a restart of the coordinator, the learners of a running stage count as attached before they have said hello.
//
// Assignments change only in Plan. One exception: a new worker that attaches under another's id has none at first.
// They are sent only in Tell. Between the two the caller stores what must be durable before a worker acts on it.
// Thread-compatible; no gRPC, no clock.
class Workforce {
 public:
  // `incarnation`: see AssignmentPlanner.
  explicit Workforce(int64_t incarnation) : planner_(incarnation) {}

  // --- Workers

  // Attaches a worker, whose hello is valid. If this very worker is attached already, it keeps its assignment.
  // Another kind, process or address under the same id is a new worker, without an assignment. In both cases the
  // earlier link is closed with ABORTED.
  // RESOURCE_EXHAUSTED: kMaxWorkers are attached. The caller closes the link with this error.
  absl::Status Attach(const v1::WorkerHello& hello, std::shared_ptr<WorkerLink> link, absl::Time now);

  // Renews a worker's lease, and notes what it reports. Does nothing if `link` is no longer the worker's.
  void Heartbeat(const std::string& worker, const WorkerLink& link, const v1::WorkerHeartbeat& heartbeat,
                 absl::Time now);
  // Notes that a worker's stream has ended. `left`: it said goodbye, and will not come back. Does nothing if `link` is
  // no longer the worker's.
  void Detach(const std::string& worker, const WorkerLink& link, bool left, absl::Time now);

  // --- Stages

  // Adds a training stage, which needs work.train.learners learners, and actors if `actors` is set. `work` is what each
  // learner is told, besides its epoch, its rank, and where the learners meet.
  void AddTraining(const StageId& id, v1::LearnerWork work, bool actors, absl::Time now);
  // Adds a training stage that already has all its learners, granted by an earlier coordinator. These keep the stage
  // and its epoch if they attach in time.
  void RestoreTraining(const StageId& id, v1::LearnerWork work, bool actors, const v1::StageGrant& grant,
                       absl::Time now);
  // Adds a stage without learners, whose actors come to the coordinator.
  void AddRollouts(const StageId& id, absl::Time now);
  // Removes a stage, if there is one of this id.
  void RemoveStage(const StageId& id, absl::Time now);

  // Returns a stage's epoch; 0: there is no such stage, or it waits for learners.
  int64_t StageEpoch(const StageId& id) const { return planner_.StageEpoch(id); }
  // Returns how many actors a stage has.
  int ActorsOf(const StageId& id) const { return planner_.ActorsOf(id); }
  // Returns the learners of a stage, and its epoch; epoch 0: it has no learners.
  v1::StageGrant GrantOf(const StageId& id);
  // Returns what a stage waits for, in words: "a learner", "2 learners: 1 is attached", "actors". Empty: it goes on.
  // An unknown stage gives "actors", as a stage without learners and actors does.
  std::string WaitingFor(const StageId& id);

  // Returns the stages for which GrantOf, ActorsOf or WaitingFor may have changed since the last call.
  std::set<StageId> TakeChangedStages();

  // --- Planning

  // Notes a lapse (LapseMeter): time in which this process did not run, or a jump because somebody set the clock.
  // Leases, graces and the turns of stages that share actors (kQuantum) do not count it.
  void NoteLapse(absl::Duration lapse) { lapses_ += lapse; }

  // Detaches workers whose lease has ended, and decides anew who works on what.
  void Plan(absl::Time now);
  // Sends its assignment to each worker that has just attached or whose assignment has changed. Sends it again to a
  // worker whose last heartbeat named an old epoch. Also sends it again if the interval of heartbeats has changed.
  void Tell();

  // Returns when Plan should be called even if nothing happens.
  absl::Time next_plan() const;

  // --- For people

  // Returns the first `limit` workers, in the order of their ids, whose ids come after `after`.
  std::vector<v1::Worker> List(const std::string& after, size_t limit, absl::Time now) const;
  // Returns how many workers there are of each kind.
  std::map<v1::WorkerKind, WorkerCount> Count() const;

  // Closes all links with a status, and forgets them.
  void CloseAll(const absl::Status& status);

 private:
  // Converts to the time that leases and turns use, which leaves out all lapses.
  absl::Time Counted(absl::Time now) const { return now - lapses_; }
  void Remove(const std::string& worker, absl::Time now);
  // Notes that a learner with a stage has sent something, come or gone. Does nothing for other workers.
  void NoteHeardOf(const std::string& worker);
  // Makes TakeChangedStages return this stage, unless the key is empty.
  void NoteChanged(const v1::StageKey& stage);
  v1::Assignment AssignmentFor(const Placement& placement, const v1::Assignment& before);
  v1::LearnerWork LearnerWorkFor(const Placement& placement);
  v1::ActorWork ActorWorkFor(const Placement& placement);
  const std::string& RolloutsAddressOf(const std::string& learner);
  // Says which of a stage's learners, given by rank, are away; empty: none is.
  std::string WaitingForAway(const std::vector<std::string>& learners) const;
  // Returns what an actor of the stage reports if it cannot reach the learner at `address`: "; WORKER says: …". Empty:
  // no actor reports that.
  std::string WhyUnreachable(const StageId& id, const std::string& address) const;

  WorkerTable table_;
  AssignmentPlanner planner_;
  absl::Duration lapses_;
  struct Training {
    v1::LearnerWork work;
    bool actors = false;
  };
  std::map<StageId, Training> training_;
  std::unordered_map<std::string, std::shared_ptr<WorkerLink>> links_;
  std::set<StageId> heard_of_;  // stages whose learners came, went or reported, or whose actors reported something new
  std::set<std::string> unsent_;  // workers that Tell is to send their assignment
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_WORKFORCE_H_
