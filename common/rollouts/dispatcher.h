// Spreads a stage's orders over the actors that are connected: the pure core of every sink.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_DISPATCHER_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_DISPATCHER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rollouts/actor_index.h"
#include "common/rollouts/actor_link.h"
#include "common/rollouts/connected_actor.h"
#include "common/rollouts/fenced_workers.h"
#include "common/rollouts/order.h"
#include "common/rollouts/patience.h"
#include "common/snapshot/policy_snapshot.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// Rows of every actor's inference batches (SinkHello): enough that a step's fixed costs are shared by many, so few that
// forty actors find work in an order of a few thousand episodes or slots. No result depends on it.
inline constexpr int kInferenceWidth = 64;
// The last chance of an actor with which patience has run out: see Dispatcher.
inline constexpr absl::Duration kLastChance = absl::Seconds(1);

// Thread-compatible; no gRPC, no clock: times never go back. A message, an actor that comes or one that goes costs
// O(log n) among n actors, an order's end O(n). Bounds: two requests in flight for every actor, one policy
// snapshot per order, kMaxFencedWorkers.
//
// Nobody is to wait for another's queue: an actor that has work in hand is asked for more only once it has answered
// a request (until then, others may be about to come) and while there is a full request for everybody else besides.
//
// Stragglers: an actor that has delivered nothing for longer than the patience (Patience), since its request was in
// hand or the result before came, while another is idle and nothing is left to ask for, is fenced: its work goes to the
// idle, and it is refused for a while (FencedWorkers). Where all are slow alike nobody is idle, and a single actor has
// nobody who could take over: neither is fenced. A sink that was itself stopped, and finds all actors overdue, first
// reads what they sent meanwhile: hence the last chance.
class Dispatcher {
 public:
  explicit Dispatcher(v1::EnvironmentSpec environment);

  // Orders are served oldest first, those in the background after all others and by actors that have nothing else to
  // do: so that what is waited for is not held up for longer than one request takes. `policy` is what the order's
  // requests act with.
  void Add(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy, absl::Time now,
           bool background = false);
  // How many trajectories an order that was added and not removed has accepted.
  int64_t AcceptedOf(const Order& order) const;
  // Forgets an order, done or not. Results that still come for it are acknowledged as rejected.
  void Remove(const Order& order);

  // An actor came: it is greeted. One that comes again under its worker id replaces its earlier link, which is closed
  // with ABORTED. FAILED_PRECONDITION: it is fenced, and not connected; the caller closes the link with this.
  absl::Status Connect(std::shared_ptr<ActorLink> actor, absl::Time now);
  // It went: its requests are released.
  void Disconnect(const ActorLink& actor, absl::Time now);
  int actors() const { return static_cast<int>(actors_.size()); }

  // A message of a connected actor. A result is validated, given to its order, acknowledged; a failure fails its order.
  // INVALID_ARGUMENT: a malformed message; the caller disconnects and closes that link with it. Any other error is the
  // order's failure. Messages of links that are not connected change nothing but the accounting.
  absl::Status Receive(ActorLink& actor, const v1::ActorMessage& message, absl::Time now);
  absl::Status Receive(ActorLink& actor, const v1::RolloutResult& result, absl::Time now);
  // The same; the order takes away what it keeps of the trajectories, which are not copied.
  absl::Status Receive(ActorLink& actor, v1::ActorMessage&& message, absl::Time now);

  // A result that its order has accepted, and its actor does not know of.
  struct Receipt {
    std::shared_ptr<ActorLink> actor;
    uint64_t request_id = 0;
    uint32_t sequence = 0;
    Acceptance acceptance;
  };
  // As Receive, but that a result is not counted and acknowledged before Confirm: for sinks that have more to do with
  // it. The actor may be asked for more meanwhile. nullopt: there is nothing to confirm.
  absl::StatusOr<std::optional<Receipt>> Take(ActorLink& actor, const v1::ActorMessage& message, absl::Time now);
  void Confirm(const Receipt& receipt);

  // The order that the last error of Receive or Take, other than INVALID_ARGUMENT, was of.
  const Order* failed_order() const { return failed_order_; }

  // Fences stragglers: their links are closed with ABORTED. To be called at next_expiry(), which every other call may
  // change; earlier and later do no harm. InfiniteFuture: nobody can be fenced as things are.
  void Expire(absl::Time now);
  absl::Time next_expiry() const;

  // Closes all links with a status and forgets them.
  void CloseAll(const absl::Status& status);

  // Requests that actors have.
  int64_t leased() const;

  // What became of the trajectories that came: produced = accepted + Σ rejected, by the reasons of rejection.h. What an
  // order failed with is in none of them.
  const v1::TrajectoryAccounting& accounting() const { return accounting_; }

 private:
  struct ActiveOrder {
    std::shared_ptr<Order> order;
    std::shared_ptr<const PolicySnapshot> policy;
    bool background = false;
    int64_t accepted = 0;  // trajectories
  };

  // Of a result of a connected actor; an error is counted already.
  absl::Status Receive(ActorLink& actor, const v1::RolloutResult& result, v1::RolloutResult* own, absl::Time now);
  absl::StatusOr<Receipt> TakeResult(ConnectedActor& actor, const v1::RolloutResult& result, v1::RolloutResult* own,
                                     absl::Time now);
  // The last result of a request came.
  void EndRequest(ConnectedActor& actor, uint64_t request_id, absl::Time now);
  // What its order makes of a result. `own`: the same result, where the order may take away from it; else null.
  absl::StatusOr<Acceptance> Judge(ConnectedActor& actor, const v1::RolloutResult& result, v1::RolloutResult* own,
                                   absl::Time now);
  void Count(const Acceptance& acceptance);
  absl::Status Fail(ConnectedActor& actor, const v1::RolloutFailure& failure, absl::Time now);
  // Releases what it has; it must be known.
  void Forget(const ActorLink& actor);
  // Its requests, or its clock, have changed.
  void Update(const ConnectedActor& actor) { index_.Put(*actor.link(), actor.IndexState()); }
  // An order is done or removed: whoever owed it owes it no more.
  void UpdateAll();
  // Sends every actor that has room its next request.
  void Pump(absl::Time now);
  // False where no order has anything to ask for, of this actor or of one with as much to do.
  bool Ask(ConnectedActor& actor, absl::Time now);

  absl::Time Deadline(const ConnectedActor& actor) const { return actor.Deadline(patience_.current()); }
  // The actor whose deadline comes first; nullptr: nobody owes anything, or nobody could take over.
  const ConnectedActor* FindSlowest() const;
  void Fence(const ConnectedActor& actor, absl::Time now);

  v1::EnvironmentSpec environment_;
  uint64_t last_request_id_ = 0;
  std::map<const ActorLink*, ConnectedActor> actors_;
  std::map<std::string, const ActorLink*> by_worker_;
  ActorIndex index_;  // of actors_, always up to date
  std::vector<ActiveOrder> orders_;
  v1::TrajectoryAccounting accounting_;
  Patience patience_;
  FencedWorkers fenced_;
  const Order* failed_order_ = nullptr;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_DISPATCHER_H_
