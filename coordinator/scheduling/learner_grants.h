// Decides which learners train which stage.
#ifndef UNDERSTUDY_COORDINATOR_SCHEDULING_LEARNER_GRANTS_H_
#define UNDERSTUDY_COORDINATOR_SCHEDULING_LEARNER_GRANTS_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/scheduling/stage_id.h"

namespace understudy {

// The stages that wait for learners, and whose turn it is. Pure, thread-compatible. A call costs O(log n + d), where d
// is how many different numbers of learners the waiting stages need; it is small.
class LearnerQueue {
 public:
  struct Wait {
    int64_t ticket = 0;  // drawn when the wait began: the longer a stage waits, the smaller
    StageId stage;
    auto operator<=>(const Wait&) const = default;
  };

  // Adds or removes a stage that needs `needed` learners, at least one.
  void Insert(int needed, const Wait& wait) { waiting_[needed].insert(wait); }
  void Erase(int needed, const Wait& wait);

  // Returns the stage that may have its learners now, given that `idle` of `all` learners are free; nullopt: no stage
  // may. It is the stage that waits longest. If too few learners are idle for that one, the stages behind it wait too:
  // otherwise many small ones would starve it. A stage that needs more than `all` learners is passed over, so it keeps
  // no other stage waiting.
  std::optional<StageId> Next(int idle, int all) const;

  // Returns the stages that need more learners than `learners`.
  std::vector<StageId> NeedingMoreThan(int learners) const;

 private:
  std::map<int, std::set<Wait>> waiting_;  // by the learners that they need; no set is empty
};

// A learner trains one stage at a time. A stage gets all the learners that it needs at once, by rank, and keeps them.
// If one of them is removed, the stage loses the others too, and waits. On its turn, it first gets back those of its
// earlier learners that are idle, at their old ranks.
//
// A learner is away while it cannot be reached but may come back: its stream broke, or the coordinator has just started
// and has not heard of it yet. It keeps its stage, but from some time on an idle learner may take its place.
//
// Pure, thread-compatible; `now` never goes back. A call costs O(log n) for each learner that it concerns.
class LearnerGrants {
 public:
  // Adds a learner, which must be new and is idle.
  void AddLearner(const std::string& learner);
  // Removes a known learner. Returns the stage that thereby lost its learners, and waits; nullopt: it had none.
  std::optional<StageId> RemoveLearner(const std::string& learner);
  // Notes that a learner is away, unless it is already. From `until` on its place may be taken over.
  void SetAway(const std::string& learner, absl::Time until);
  // Notes that a learner is back, if it was away.
  void SetBack(const std::string& learner);

  // Adds a stage that waits for `needed` learners, at least one.
  void AddStage(const StageId& id, int needed);
  // Adds a stage that has `learners` already, by rank, all of them known. Returns false, and changes nothing, if one of
  // them has a stage already, or occurs twice.
  bool RestoreStage(const StageId& id, const std::vector<std::string>& learners);
  // Removes a stage, if it is known. Its learners are idle then; those that are away have no stage any more.
  void RemoveStage(const StageId& id);

  // Grants idle learners to the stages whose turn it is. Idle learners also take the places of learners that have been
  // away for too long. Returns the stages that got learners, in the order in which they got them. A stage may occur
  // more than once.
  std::vector<StageId> Grant(absl::Time now);
  // Returns when an idle learner may take over a place; InfiniteFuture: never, as things are.
  absl::Time next_takeover() const;

  // Returns the learners of a stage, by rank; empty: it waits, or is unknown.
  std::vector<std::string> LearnersOf(const StageId& id) const;
  // Returns a learner's stage; nullptr: it has none. Valid until the stage is removed.
  const StageId* StageOf(const std::string& learner) const;
  int RankOf(const std::string& learner) const { return learners_.at(learner).rank; }
  // Returns how many learners are idle or have a stage; the others are away without one.
  int usable() const { return static_cast<int>(idle_.size() + assigned_); }

  // The learners that got or lost a stage, or whose stage got other learners, since the last call.
  struct ChangedLearners {
    std::set<std::string> all;
    std::set<std::string> lost_while_away;  // those that lost a stage while they were away
  };
  ChangedLearners TakeChangedLearners() { return std::exchange(changed_learners_, {}); }
  // Returns the stages that began to wait or got learners since the last call. If usable() has changed, they include
  // each waiting stage that needs two or more learners, and more than the old or the new number. Some may be gone.
  std::set<StageId> TakeChangedStages() { return std::exchange(changed_stages_, {}); }

 private:
  struct Stage {
    LearnerQueue::Wait Wait() const { return {.ticket = ticket, .stage = id}; }

    StageId id;
    int needed = 0;
    int64_t ticket = 0;
    std::vector<std::string> learners;  // by rank; empty: it waits for them
    std::vector<std::string> earlier;   // learners, which are to have their ranks again if they are idle
  };
  struct Learner {
    Stage* stage = nullptr;
    int rank = 0;
    std::optional<absl::Time> away_until;  // it is away; its place may be taken over from then on
  };

  Stage& NewStage(const StageId& id, int needed);
  void Await(Stage& stage);
  // Gives a rank of the stage to a learner without a stage.
  void Assign(const std::string& learner, Stage& stage, size_t rank);
  // Takes the stage from a learner, but not the learner from the stage's list.
  void Unassign(const std::string& learner);
  void FreeLearners(Stage& stage);
  void GrantIdle(std::vector<StageId>& granted);
  void ReplaceAway(absl::Time now, std::vector<StageId>& granted);
  // If usable() has changed, marks the waiting stages that name this number to people (Workforce::WaitingFor) as
  // changed.
  void NoteUsable();

  int64_t last_ticket_ = 0;
  std::map<StageId, Stage> stages_;
  std::unordered_map<std::string, Learner> learners_;
  std::set<std::string> idle_;
  size_t assigned_ = 0;   // learners that have a stage
  int noted_usable_ = 0;  // usable() at the last Grant
  LearnerQueue waiting_;
  std::set<std::pair<absl::Time, std::string>> away_;  // learners that have a stage, by away_until
  ChangedLearners changed_learners_;
  std::set<StageId> changed_stages_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SCHEDULING_LEARNER_GRANTS_H_
