// Decides which actors work for which stage, and for which of its ranks.
#ifndef UNDERSTUDY_COORDINATOR_SCHEDULING_ACTOR_SHARING_H_
#define UNDERSTUDY_COORDINATOR_SCHEDULING_ACTOR_SHARING_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/scheduling/rank_shares.h"
#include "coordinator/scheduling/stage_id.h"

namespace understudy {

// The length of a turn, where there are fewer actors than stages.
inline constexpr absl::Duration kQuantum = absl::Seconds(1);

// Actors are shared over the stages with the fewest moves, so that the stages' numbers of actors differ by at most one.
// Within a stage, they are shared over its ranks (RankShares). If there are fewer actors than stages, the stages take
// turns of at least kQuantum each. A stage that has waited for kQuantum takes over the actor that another stage has had
// longest.
//
// Pure, thread-compatible; `now` never goes back. Adding and removing costs O(log n) for each actor concerned, Share
// O(log n) for each actor that moves.
class ActorSharing {
 public:
  // Adds an actor, which must be new and is idle.
  void AddActor(const std::string& actor);
  // Removes a known actor.
  void RemoveActor(const std::string& actor, absl::Time now);
  // Adds a stage that wants actors. `ranks`: the learners that the actors serve; 0: they come to the coordinator.
  void AddStage(const StageId& id, int ranks, absl::Time now);
  // Removes a stage, if it is known. Its actors are idle then.
  void RemoveStage(const StageId& id, absl::Time now);

  // Moves actors until they are shared as they should be at `now`.
  void Share(absl::Time now);
  // Returns when the next turn ends; InfiniteFuture: no stage waits for a turn, or there is no actor.
  absl::Time next_turn() const;

  bool HasStage(const StageId& id) const { return stages_.contains(id); }
  // Returns a stage's actors, each with the ranks that it serves, in ascending order; empty: none, or no such stage.
  const std::map<std::string, std::vector<int>>& ActorsOf(const StageId& id) const;
  // Returns an actor's stage; nullptr: it is idle. Valid until the stage is removed.
  const StageId* StageOf(const std::string& actor) const;

  // Returns the actors that got, changed or lost a stage or ranks since the last call.
  std::set<std::string> TakeChangedActors() { return std::exchange(changed_actors_, {}); }
  // Returns the stages whose actors have changed since the last call; some may be gone.
  std::set<StageId> TakeChangedStages() { return std::exchange(changed_stages_, {}); }

 private:
  struct Stage {
    Stage(StageId stage, int ranks) : id(std::move(stage)), actors(ranks) {}

    const StageId id;
    RankShares actors;
    // When the stage got its first actor, lost its last one or was added, whichever was latest.
    absl::Time since;
    int64_t ticket = 0;  // drawn at that time, to order equal times
  };
  // A stage's position in line: fewest actors first, then the earliest `since`. The first stage in line is the next to
  // get an actor. The last one is the next to give one to a stage that has fewer.
  using Position = std::tuple<size_t, absl::Time, int64_t, Stage*>;
  using Line = std::set<Position>;

  static Position PositionOf(Stage& stage) { return {stage.actors.size(), stage.since, stage.ticket, &stage}; }
  // Returns the position of the stage that has had its only actor longest; line_.end(): no stage has just one.
  Line::const_iterator LongestHolder() const;
  void BeginState(Stage& stage, absl::Time now);
  // Moves an actor to a stage; nullptr: makes it idle.
  void Move(const std::string& actor, Stage* to, absl::Time now);
  void ShareEvenly(absl::Time now);
  void TakeTurns(absl::Time now);
  void ShareRanks();

  int64_t last_ticket_ = 0;
  std::map<StageId, Stage> stages_;
  std::unordered_map<std::string, Stage*> actors_;  // nullptr: idle
  std::set<std::string> idle_;
  Line line_;                     // of all stages
  std::set<StageId> unbalanced_;  // stages whose actors came or went since ShareRanks; some may be gone
  std::set<std::string> changed_actors_;
  std::set<StageId> changed_stages_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SCHEDULING_ACTOR_SHARING_H_
