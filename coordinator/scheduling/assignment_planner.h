// Who should be doing what: learners and actors over the running stages.
//
// Learners: one training stage each. A stage keeps its learner; stages without one are served longest-waiting first. A
// learner that is away (its stream broke, or the coordinator has just restarted and has not heard of it yet) keeps its
// stage, and the stage its actors, for they may well go on with each other; but from some time on another learner may
// take the stage over.
// Actors: shared over all stages that want them and, if they train, have their learner, so that the numbers differ by
// at most one, with the fewest moves. Where there are fewer actors than stages, stages take turns: one that has waited
// for kQuantum takes over from the one that has had an actor longest, and for at least kQuantum.
//
// Epochs: all come from one counter. A stage gets a new one with its beginning (rollouts) or with each learner
// (training: 0 while it waits for one); a worker with each change of what it should do (0 while idle).
#ifndef UNDERSTUDY_COORDINATOR_SCHEDULING_ASSIGNMENT_PLANNER_H_
#define UNDERSTUDY_COORDINATOR_SCHEDULING_ASSIGNMENT_PLANNER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/scheduling/stage_id.h"

namespace understudy {

inline constexpr absl::Duration kQuantum = absl::Seconds(1);

enum class Role { kLearner, kActor };

struct StageDemand {
  bool learner = false;
  bool actors = true;
};

// What a worker should now be doing.
struct Placement {
  std::string worker;
  int64_t epoch = 0;
  std::optional<StageId> stage;  // nullopt: idle
  int64_t stage_epoch = 0;
};

// Pure, thread-compatible; `now` never goes back. Adding and removing costs O(log n) for each worker concerned, Plan
// O(log n) for each worker that moves.
class AssignmentPlanner {
 public:
  // Epochs are larger than incarnation × 2^32.
  explicit AssignmentPlanner(int64_t incarnation) : epoch_(incarnation << 32) {}

  // Ids that are new; removing unknown ones changes nothing.
  void AddWorker(const std::string& worker, Role role);
  void RemoveWorker(const std::string& worker, absl::Time now);
  void AddStage(const StageId& id, StageDemand demand, absl::Time now);
  // A training stage that `learner`, idle until now, has held since an earlier coordinator's time, with its `epoch`.
  // False where that learner has another stage: then as AddStage.
  bool RestoreStage(const StageId& id, StageDemand demand, const std::string& learner, int64_t epoch, absl::Time now);
  void RemoveStage(const StageId& id, absl::Time now);

  // A learner is away: it is given nothing, and what it has may be taken over from `until` on. Then it is back. Both
  // change nothing where it is so already.
  void SetAway(const std::string& learner, absl::Time until);
  void SetBack(const std::string& learner);

  // Brings everybody up to date with what was added and removed, and with whose turn it is. Returns the workers that
  // are to do something else than the last Plan said.
  std::vector<Placement> Plan(absl::Time now);

  // Stages whose learner, epoch or actors may have changed since the last call; some may be gone.
  std::set<StageId> TakeChangedStages() { return std::exchange(changed_stages_, {}); }

  // When Plan should be called even if nothing is added or removed; InfiniteFuture: never.
  absl::Time next_wake() const;

  // 0: no such stage, or it waits for a learner.
  int64_t StageEpoch(const StageId& id) const;
  // The learner of a training stage; empty: none.
  std::string LearnerOf(const StageId& id) const;
  int ActorsOf(const StageId& id) const;

 private:
  struct Stage {
    StageId id;
    StageDemand demand;
    int64_t epoch = 0;
    std::string learner;
    bool sharing = false;  // it gets actors at present
    std::set<std::string> actors;
    // Without what it wants (a learner, then actors) since then; with actors: has had some since then.
    absl::Time since;
    int64_t order = 0;  // of `since` among those that are equal
  };
  struct Worker {
    Role role = Role::kActor;
    Stage* stage = nullptr;
    std::optional<absl::Time> away_until;  // it is away; its stage may be taken over from then on
    int64_t told_stage_epoch = 0;          // by the last Plan
  };
  // Actors, since, order: the first is the next to get an actor, the last the first to give one.
  using Share = std::tuple<size_t, absl::Time, int64_t, Stage*>;

  static Share ShareOf(Stage& stage) { return {stage.actors.size(), stage.since, stage.order, &stage}; }
  // Among stages that have one actor, the one that has had it longest: shares_.end() where there is none.
  std::set<Share>::const_iterator LongestHolder() const;
  void SetSince(Stage& stage, absl::Time now);
  void AwaitLearner(Stage& stage, absl::Time now);
  void StartSharing(Stage& stage, absl::Time now);
  void StopSharing(Stage& stage, absl::Time now);
  void MoveActor(const std::string& worker, Stage* to, absl::Time now);
  // Gives a stage to an idle learner, under a new epoch.
  void Grant(Stage& stage, const std::string& learner, absl::Time now);
  void MatchLearners(absl::Time now);
  void ShareActors(absl::Time now);
  void TakeTurns(absl::Time now);
  absl::Time next_turn() const;
  std::vector<Placement> TakeChanges();

  int64_t epoch_;
  int64_t last_order_ = 0;
  std::map<StageId, Stage> stages_;
  std::unordered_map<std::string, Worker> workers_;
  std::set<std::string> idle_learners_;
  std::set<std::string> idle_actors_;
  std::set<std::tuple<absl::Time, int64_t, Stage*>> waiting_;  // for a learner: since, order
  std::set<std::pair<absl::Time, std::string>> away_;          // learners that have a stage, by away_until
  std::set<Share> shares_;                                     // stages that share
  std::set<std::string> changed_;                              // workers
  std::set<StageId> changed_stages_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SCHEDULING_ASSIGNMENT_PLANNER_H_
