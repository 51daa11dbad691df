// Who should be doing what: learners and actors over the running stages.
//
// Learners: one training stage each. A stage gets all the learners that it needs at once, by rank, and keeps them;
// where one of them is gone, the others are free, too. Stages that wait are served longest-waiting first: one that
// needs more than are idle keeps those behind it waiting, lest many small ones starve it, unless it needs more than
// there are. A learner that is away (its stream broke, or the coordinator has just restarted and has not heard of it
// yet) keeps its stage, and the stage its actors, for they may well go on with each other; but from some time on
// another learner may take its place. Actors: shared over all stages that want them and, if they train, have their
// learners, so that the numbers differ by at most one, with the fewest moves; and within a stage over its ranks
// (RankShares). Where there are fewer actors than stages, stages take turns: one that has waited for kQuantum takes
// over from the one that has had an actor longest, and for at least kQuantum.
//
// Epochs: all come from one counter. A stage gets a new one with its beginning (rollouts) or with each change of its
// learners (training: 0 while it waits for them); a worker with each change of what it should do (0 while idle).
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
#include "coordinator/scheduling/learner_queue.h"
#include "coordinator/scheduling/rank_shares.h"
#include "coordinator/scheduling/stage_id.h"

namespace understudy {

inline constexpr absl::Duration kQuantum = absl::Seconds(1);

enum class Role { kLearner, kActor };

struct StageDemand {
  int learners = 0;  // 0: a stage that does not train
  bool actors = true;
  bool first_rank_alone = false;  // has them, of all ranks
};

// What a worker should now be doing.
struct Placement {
  std::string worker;
  int64_t epoch = 0;
  std::optional<StageId> stage;  // nullopt: idle
  int64_t stage_epoch = 0;
  std::vector<int> ranks;  // those of the stage that an actor serves, ascending; the one that a learner is
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
  // A training stage that `learners`, by rank, as many as it needs and known, have held since an earlier coordinator's
  // time, with its `epoch`. False where one of them has another stage, or another rank of this one: then as AddStage.
  bool RestoreStage(const StageId& id, StageDemand demand, const std::vector<std::string>& learners, int64_t epoch,
                    absl::Time now);
  void RemoveStage(const StageId& id, absl::Time now);

  // A learner is away: it is given nothing, and what it has may be taken over from `until` on. Then it is back. Both
  // change nothing where it is so already. Where it loses its stage meanwhile, the next Plan says so even if no Plan
  // has said that it had one: the caller has kept it for that alone.
  void SetAway(const std::string& learner, absl::Time until);
  void SetBack(const std::string& learner);

  // Brings everybody up to date with what was added and removed, and with whose turn it is. Returns the workers that
  // are to do something else than the last Plan said.
  std::vector<Placement> Plan(absl::Time now);

  // Stages whose learners, epoch or actors may have changed since the last call, or, for those that wait for several
  // learners, how many there are; some may be gone.
  std::set<StageId> TakeChangedStages() { return std::exchange(changed_stages_, {}); }

  // When Plan should be called even if nothing is added or removed; InfiniteFuture: never.
  absl::Time next_plan() const;

  // 0: no such stage, or it waits for learners.
  int64_t StageEpoch(const StageId& id) const;
  // The learners of a training stage, by rank; empty: none.
  std::vector<std::string> LearnersOf(const StageId& id) const;
  int ActorsOf(const StageId& id) const;
  bool HasStage(const std::string& worker) const { return workers_.at(worker).stage != nullptr; }
  // That are idle or have a stage.
  int learners() const { return static_cast<int>(idle_learners_.size() + placed_learners_); }

 private:
  struct Stage {
    Stage(StageId stage, const StageDemand& wanted)
        : id(std::move(stage)), demand(wanted), actors(wanted.first_rank_alone ? 1 : wanted.learners) {}
    LearnerQueue::Wait Wait() const { return {.order = order, .stage = id}; }

    const StageId id;
    const StageDemand demand;
    RankShares actors;
    int64_t epoch = 0;
    std::vector<std::string> learners;  // by rank; empty: it waits for them
    std::vector<std::string> earlier;   // learners, which are to have their ranks again if they are idle
    bool sharing = false;               // it gets actors at present
    // Without what it wants (learners, then actors) since then; with actors: has had some since then.
    absl::Time since;
    int64_t order = 0;  // of `since` among those that are equal
  };
  struct Worker {
    Role role = Role::kActor;
    Stage* stage = nullptr;
    int rank = 0;                          // learners: of the stage
    std::optional<absl::Time> away_until;  // it is away; its stage may be taken over from then on
    int64_t told_stage_epoch = 0;          // by the last Plan
    std::vector<int> told_ranks;
  };
  // Actors, since, order: the first is the next to get an actor, the last the first to give one.
  using Share = std::tuple<size_t, absl::Time, int64_t, Stage*>;

  static Share ShareOf(Stage& stage) { return {stage.actors.size(), stage.since, stage.order, &stage}; }
  // Among stages that have one actor, the one that has had it longest: shares_.end() where there is none.
  std::set<Share>::const_iterator LongestHolder() const;
  void SetSince(Stage& stage, absl::Time now);
  void AwaitLearners(Stage& stage, absl::Time now);
  void StartSharing(Stage& stage, absl::Time now);
  void StopSharing(Stage& stage, absl::Time now);
  void MoveActor(const std::string& worker, Stage* to, absl::Time now);
  // Gives that rank of the stage to a learner without a stage.
  void Place(const std::string& learner, Stage& stage, size_t rank);
  // Takes the stage from a learner, but the learner not from the stage's list.
  void Displace(const std::string& learner);
  void FreeLearners(Stage& stage);
  void GrantStages(absl::Time now);
  // True: some did.
  bool TakePlacesOver(absl::Time now);
  // Where there are fewer learners than a stage waits for, it says how many there are.
  void NoteLearners();
  void ShareActors(absl::Time now);
  void TakeTurns(absl::Time now);
  void ShareRanks();
  absl::Time next_turn() const;
  std::vector<Placement> TakeChanges();

  int64_t epoch_;
  int64_t last_order_ = 0;
  std::map<StageId, Stage> stages_;
  std::unordered_map<std::string, Worker> workers_;
  std::set<std::string> idle_learners_;
  std::set<std::string> idle_actors_;
  size_t placed_learners_ = 0;  // have a stage
  int noted_learners_ = 0;      // learners() at the last Plan
  LearnerQueue waiting_;
  std::set<std::pair<absl::Time, std::string>> away_;  // learners that have a stage, by away_until
  std::set<Share> shares_;                             // stages that share
  std::set<StageId> unbalanced_;                       // actors came or went; some may be gone
  std::set<std::string> changed_;                      // workers
  std::set<StageId> changed_stages_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SCHEDULING_ASSIGNMENT_PLANNER_H_
