// Finds among many actors whom to ask next, and who keeps others waiting longest.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_ACTOR_INDEX_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_ACTOR_INDEX_H_

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/time/time.h"
#include "common/rollouts/actor_link.h"

namespace understudy {

// One that it works on, and one to go on with at once.
inline constexpr size_t kRequestsPerActor = 2;

// Pure, thread-compatible. Put and Remove cost O(log n), all else O(1). Links are compared, never used.
class ActorIndex {
 public:
  struct State {
    size_t in_flight = 0;
    std::optional<absl::Time> owes_since;   // nullopt: nothing
    std::optional<absl::Time> last_chance;  // of one that owes
  };

  // Adds an actor, or replaces its state.
  void Put(const ActorLink& actor, const State& state);
  // One that is unknown changes nothing.
  void Remove(const ActorLink& actor);

  // One of those with the fewest requests in flight; nullptr: all have kRequestsPerActor.
  const ActorLink* WithRoom() const;
  bool AnyIdle() const { return !by_in_flight_[0].empty(); }

  // Of those that owe and have no last chance, the one that has owed longest; of the others, the one whose last chance
  // ends first. nullptr: there is none.
  const ActorLink* OwesLongest() const { return First(by_owes_since_); }
  const ActorLink* LastChanceFirst() const { return First(by_last_chance_); }

 private:
  using ByTime = std::set<std::pair<absl::Time, const ActorLink*>>;
  static const ActorLink* First(const ByTime& actors) { return actors.empty() ? nullptr : actors.begin()->second; }

  std::map<const ActorLink*, State> states_;
  std::array<std::set<const ActorLink*>, kRequestsPerActor> by_in_flight_;
  ByTime by_owes_since_;
  ByTime by_last_chance_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_ACTOR_INDEX_H_
