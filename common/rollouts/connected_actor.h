// The actors that are connected to a sink: what each has in hand, whom to ask next, and who keeps others waiting.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_CONNECTED_ACTOR_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_CONNECTED_ACTOR_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rollouts/actor_link.h"
#include "common/rollouts/order.h"
#include "common/snapshot/policy_snapshot.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// Requests that an actor may have in hand: one that it works on, and one to go on with at once.
inline constexpr size_t kRequestsPerActor = 2;
// Snapshots that an actor keeps: those that it was sent last over its stream. Sinks rely on it.
inline constexpr size_t kPoliciesPerStream = 4;

// Finds among many actors the one to ask next, and the one that has kept its sink waiting longest. Pure,
// thread-compatible. Put and Remove cost O(log n), all else O(1). Links are keys here, and are never used.
class ActorIndex {
 public:
  struct State {
    size_t in_flight = 0;                   // requests; kRequestsPerActor: the actor must not get another
    std::optional<absl::Time> owes_since;   // nullopt: the actor owes nothing
    std::optional<absl::Time> last_chance;  // when the last chance of an actor ends that owes something
  };

  // Adds an actor, or replaces its state.
  void Put(const ActorLink& actor, const State& state);
  // Removes an actor, if it is known.
  void Remove(const ActorLink& actor);

  // Returns an actor with the fewest requests in flight; nullptr: no actor may get another request.
  const ActorLink* WithRoom() const;
  // Whether an actor has no request in flight.
  bool AnyIdle() const { return !by_in_flight_[0].empty(); }

  // Returns the actor that has owed something longest, of those without a last chance; nullptr: there is none.
  const ActorLink* OwesLongest() const { return First(by_owes_since_); }
  // Returns the actor whose last chance ends first; nullptr: no actor has a last chance.
  const ActorLink* LastChanceFirst() const { return First(by_last_chance_); }

 private:
  using ByTime = std::set<std::pair<absl::Time, const ActorLink*>>;
  static const ActorLink* First(const ByTime& actors) { return actors.empty() ? nullptr : actors.begin()->second; }

  std::map<const ActorLink*, State> states_;
  std::array<std::set<const ActorLink*>, kRequestsPerActor> by_in_flight_;
  ByTime by_owes_since_;
  ByTime by_last_chance_;
};

// One connected actor: the requests and policies that it was sent, and a clock that runs while it owes results. An
// actor owes something while an order waits for one of its requests and is not done. Thread-compatible; no gRPC.
class ConnectedActor {
 public:
  explicit ConnectedActor(std::shared_ptr<ActorLink> link) : link_(std::move(link)) {}

  const std::shared_ptr<ActorLink>& link() const { return link_; }
  const std::string& worker_id() const { return link_->hello().worker_id(); }

  // Sends a request of `order`. Sends the policy that it names first, unless the actor has that policy already.
  void Ask(v1::RolloutRequest request, std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy);

  // Notes the next result of a request, and returns the request's order; nullptr: the order was dropped.
  // INVALID_ARGUMENT: the request is not in flight here, or the result is out of sequence.
  absl::StatusOr<std::shared_ptr<Order>> NoteResult(const v1::RolloutResult& result);
  // Notes that a request's last result has come.
  void NoteEnd(uint64_t request_id);
  // Notes that a request has failed and is over, and returns its order; nullptr: the order was dropped.
  // INVALID_ARGUMENT: the request is not in flight here.
  absl::StatusOr<std::shared_ptr<Order>> NoteFailure(uint64_t request_id);

  // Forgets an order. Results of its requests are for nobody from now on.
  void Drop(const Order& order);
  // Opens what the actor has not delivered, so that its orders ask others for it.
  void ReleaseRequests() const;

  size_t in_flight() const { return requests_.size(); }
  // Whether the actor owes something (see above).
  bool Owes() const;

  // Starts the clock anew. `patience`: how long the sink would now wait for an actor.
  void RestartClock(absl::Time now, absl::Duration patience);
  // Returns the time on the clock, but no more than the patience at its start: while the sink's host slept, nobody
  // waited.
  absl::Duration WaitedFor(absl::Time now) const;
  // Returns when the sink gives the actor up: when its last chance ends, or otherwise after `patience` on the clock.
  absl::Time Deadline(absl::Duration patience) const { return last_chance_.value_or(owes_since_ + patience); }
  // Grants a last chance, which ends at `until` or when the clock is restarted.
  void GiveLastChance(absl::Time until) { last_chance_ = until; }
  bool has_last_chance() const { return last_chance_.has_value(); }
  // Returns the error that the stream of an actor that owes something is closed with. ABORTED names the request, and
  // how long nothing of it came.
  absl::Status FencedStatus(absl::Time now) const;

  // Returns what an index must know of this actor.
  ActorIndex::State IndexState() const;

 private:
  struct Request {
    std::shared_ptr<Order> order;  // nullptr: dropped
    uint32_t next_sequence = 0;
  };
  void SendPolicy(std::shared_ptr<const PolicySnapshot> policy);

  std::shared_ptr<ActorLink> link_;
  std::map<uint64_t, Request> requests_;                  // in flight, by id; the actor works on the first
  std::deque<std::pair<std::string, int64_t>> policies_;  // name and version of those sent last
  bool answered_ = false;                                 // a whole request has been answered
  absl::Time owes_since_;                                 // the clock's start
  absl::Duration patience_;                               // at that time
  std::optional<absl::Time> last_chance_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_CONNECTED_ACTOR_H_
