// Decides what every attached worker should be doing: it assigns learners and actors to the running stages.
#ifndef UNDERSTUDY_COORDINATOR_SCHEDULING_ASSIGNMENT_PLANNER_H_
#define UNDERSTUDY_COORDINATOR_SCHEDULING_ASSIGNMENT_PLANNER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/scheduling/actor_sharing.h"
#include "coordinator/scheduling/learner_grants.h"
#include "coordinator/scheduling/stage_id.h"

namespace understudy {

enum class Role { kLearner, kActor };

// What a stage needs.
struct StageDemand {
  int learners = 0;  // 0: the stage does not train
  bool actors = true;
  bool first_rank_alone = false;  // only rank 0 of the learners needs actors
};

// What a worker should now be doing.
struct Placement {
  std::string worker;
  int64_t epoch = 0;
  std::optional<StageId> stage;  // nullopt: the worker is idle
  int64_t stage_epoch = 0;       // 0: the worker is idle
  // Of an actor: the ranks of the stage's learners that it serves, ascending. Of a learner: its own rank. Empty: the
  // stage has no learners, or the worker is idle.
  std::vector<int> ranks;
};

// Learners are granted to stages (LearnerGrants). A stage that has its learners, or needs none, gets a share of the
// actors (ActorSharing), if it wants actors. While a learner is away, its stage keeps the actors. They go on together
// if the learner comes back.
//
// Epochs number these decisions, so that late messages can be told from current ones. All come from one counter. A
// rollout stage gets its epoch when it is added. A training stage gets a new one whenever its learners change. While it
// waits for learners, its epoch is 0. A worker gets a new epoch whenever it gets another placement. While it is idle,
// its epoch is 0.
//
// Pure, thread-compatible; `now` never goes back. Adding and removing costs O(log n) for each worker concerned, Plan
// O(log n) for each worker that moves.
class AssignmentPlanner {
 public:
  // New epochs are larger than incarnation × 2^32.
  explicit AssignmentPlanner(int64_t incarnation) : epoch_(incarnation << 32) {}

  // --- Workers

  // Adds a worker, whose id must be new.
  void AddWorker(const std::string& worker, Role role);
  // Removes a worker, if it is known. If it is a learner with a stage, the stage loses all its learners, and waits.
  void RemoveWorker(const std::string& worker, absl::Time now);
  // Notes that a known learner is away, unless it is already. It keeps its stage, but an idle learner may take its
  // place from `until` on. If an away learner loses its stage, the next Plan returns it as idle, and the caller may
  // forget it.
  void SetAway(const std::string& learner, absl::Time until) { grants_.SetAway(learner, until); }
  // Notes that a known worker is back, if it was away. Only learners are ever away.
  void SetBack(const std::string& worker);

  // --- Stages

  // Adds a stage, whose id must be new.
  void AddStage(const StageId& id, StageDemand demand, absl::Time now);
  // Adds a training stage that kept its `learners` (by rank, all known) and its `epoch` from an earlier coordinator.
  // Returns false if one of them has a stage already, or occurs twice; the stage is then added as by AddStage.
  bool RestoreStage(const StageId& id, StageDemand demand, const std::vector<std::string>& learners, int64_t epoch,
                    absl::Time now);
  // Removes a stage, if it is known.
  void RemoveStage(const StageId& id, absl::Time now);

  // --- Planning

  // Decides anew, and returns the workers that should do something else than the last Plan said.
  std::vector<Placement> Plan(absl::Time now);
  // Returns when Plan should be called even if nothing is added or removed; InfiniteFuture: never.
  absl::Time next_plan() const;

  // --- The state now. Adding and removing change it at once; learners and actors are given out only in Plan.

  // Returns a stage's epoch; 0: it waits for learners, or is unknown.
  int64_t StageEpoch(const StageId& id) const;
  // Returns the learners of a training stage, by rank; empty: it has none.
  std::vector<std::string> LearnersOf(const StageId& id) const { return grants_.LearnersOf(id); }
  // Returns how many actors a stage has.
  int ActorsOf(const StageId& id) const { return static_cast<int>(sharing_.ActorsOf(id).size()); }
  // Whether a known worker has a stage.
  bool HasStage(const std::string& worker) const { return StageOf(worker) != nullptr; }
  // Returns how many learners can train: all except those that are away without a stage.
  int learners() const { return grants_.usable(); }
  // Returns the stages whose learners, epoch or actors may have changed since the last call. Some may be gone. If
  // learners() has changed, they include the waiting stages for which Workforce::WaitingFor names that number.
  std::set<StageId> TakeChangedStages();

 private:
  struct Stage {
    StageDemand demand;
    int64_t epoch = 0;
  };
  struct Worker {
    Role role = Role::kActor;
    // What the last Plan said.
    int64_t told_stage_epoch = 0;
    std::vector<int> told_ranks;
  };

  const StageId* StageOf(const std::string& worker) const;
  std::vector<int> RanksOf(const std::string& worker) const;
  void StartSharing(const StageId& id, const StageDemand& demand, absl::Time now);
  void GrantLearners(absl::Time now);
  std::vector<Placement> TakePlacements();

  int64_t epoch_;
  std::map<StageId, Stage> stages_;
  std::unordered_map<std::string, Worker> workers_;
  LearnerGrants grants_;
  ActorSharing sharing_;
  std::set<std::string> changed_;  // actors whose stage has a new epoch
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SCHEDULING_ASSIGNMENT_PLANNER_H_
