// The dispatcher is the core of every sink. A sink is where actors' trajectories arrive. The dispatcher hands the work
// of a stage's orders (order.h) to the connected actors, and judges what they deliver.
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
#include "common/rollouts/actor_link.h"
#include "common/rollouts/connected_actor.h"
#include "common/rollouts/order.h"
#include "common/rollouts/stragglers.h"
#include "common/snapshot/policy_snapshot.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// The number of rows in every actor's inference batches (SinkHello). A full request has as many episodes, or slots, as
// such a batch has rows. Slots are the environments that an order steps side by side. Many rows share the fixed costs
// of a step. With 64, an order of 2,560 episodes or slots still occupies forty actors. No result depends on this
// number.
inline constexpr int kInferenceWidth = 64;
// How long an overdue actor may still answer before it is fenced (see Dispatcher).
inline constexpr absl::Duration kLastChance = absl::Seconds(1);

// An order is cut into requests, and each request is leased to one actor. An actor may hold two requests. It gets a
// second one only after it has answered its first. Otherwise the actors that connect first would take work that actors
// which connect a little later could do. The order must also have more open work than one full request
// (kInferenceWidth) for each other actor.
//
// A straggler is an actor that keeps the sink waiting. An actor is overdue if the sink waits for its results, nothing
// new has come from it for as long as Patience allows, and another actor is idle for lack of work. Every overdue actor
// first gets a last chance. Perhaps the actor was not silent, but the sink's own process was stopped: then the sink
// has time to read what the actor sent meanwhile. An actor that does not use its chance is fenced: its stream is
// closed, its work goes to others, and its worker is refused for a while (FencedWorkers). While all actors are busy, or
// only one is connected, nobody is fenced, because no other actor is idle.
//
// The caller lets each actor's next message in (ActorLink::ReadNext) after Connect and after each message. Before a
// Dispatcher is destroyed, the caller closes the links with CloseAll.
//
// Thread-compatible; no gRPC, no clock: callers pass `now`, which never goes back. A message, or an actor that comes or
// goes, costs O(log n) among n actors; the end of an order costs O(n log n). Memory is bounded by two requests for
// every actor, one policy snapshot for every order, and kMaxFencedWorkers.
class Dispatcher {
 public:
  explicit Dispatcher(v1::EnvironmentSpec environment);

  // --- Orders

  // Starts an order. Its requests go to the actors, which act with `policy`. Orders are served oldest first. A
  // background order is served after all others, and by idle actors only, so it delays the others by one request at
  // most.
  void Start(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy, absl::Time now,
             bool background = false);
  // Drops an order, done or not. Results that still come for it are acknowledged as rejected.
  void Drop(const Order& order);
  // Returns how many trajectories an order has accepted since Start, confirmed or not; 0 once it was dropped.
  int64_t AcceptedOf(const Order& order) const;

  // --- Actors

  // Greets a new actor, and asks it for work. An actor with the worker id of a connected one replaces it: the earlier
  // link is closed with ABORTED.
  // FAILED_PRECONDITION: the worker is fenced. It is not connected, and the caller closes the link with this error.
  absl::Status Connect(std::shared_ptr<ActorLink> actor, absl::Time now);
  // Forgets an actor that has gone, if it is connected, and gives its work to others.
  void Disconnect(const ActorLink& actor, absl::Time now);
  // Closes all links with a status, and forgets the actors.
  void CloseAll(const absl::Status& status);
  // Returns how many actors are connected.
  int actors() const { return static_cast<int>(actors_.size()); }
  // Returns how many requests the actors hold.
  int64_t leased() const;

  // --- Messages

  // Receives a message of an actor. A result is validated, judged by its order, counted, and acknowledged; the order
  // may move the trajectories out of `message`. From an actor that is not connected, a result only counts as rejected.
  // An actor that reports a failure (RolloutFailure) makes its order fail, since another actor would fail too.
  // INVALID_ARGUMENT: the message is malformed. The caller disconnects the actor, and closes its link with this error.
  // Any other error: an order has failed. failed_order() returns it, and the caller drops it.
  absl::Status Receive(ActorLink& actor, v1::ActorMessage&& message, absl::Time now);

  // A result that has been judged, accepted or not, but that is neither counted nor acknowledged yet.
  struct Receipt {
    std::shared_ptr<ActorLink> actor;
    uint64_t request_id = 0;
    uint32_t sequence = 0;
    Acceptance acceptance;
  };
  // Receives a message as Receive does, but leaves it to Confirm to count and acknowledge a result. This is for sinks
  // that must first do more with a result, such as store it. The actor may get its next request before that. nullopt:
  // there is nothing to confirm.
  // Errors: those of Receive. A malformed result is counted at once.
  absl::StatusOr<std::optional<Receipt>> ReceiveUnconfirmed(ActorLink& actor, v1::ActorMessage& message,
                                                            absl::Time now);
  // Counts and acknowledges a result, even if its actor has gone or its order was dropped.
  void Confirm(const Receipt& receipt);

  // Returns the order that failed, right after Receive or ReceiveUnconfirmed has returned an error other than
  // INVALID_ARGUMENT.
  const Order* failed_order() const { return failed_order_; }

  // Returns the counts of all trajectories that have come: produced = accepted + Σ rejected, by the reasons of
  // accounting.h. Results that wait for Confirm are not counted, nor is a result that made its order fail.
  const v1::TrajectoryAccounting& accounting() const { return accounting_; }

  // --- Time

  // Gives a last chance to every actor that is overdue at `now`, and fences those whose last chance is over. To be
  // called at next_fencing(); calls at other times do no harm.
  void FenceStragglers(absl::Time now);
  // Returns when FenceStragglers should be called next; InfiniteFuture: never, as things are. Every other call may
  // change it.
  absl::Time next_fencing() const;

 private:
  struct ActiveOrder {
    std::shared_ptr<Order> order;
    std::shared_ptr<const PolicySnapshot> policy;
    bool background = false;
    int64_t accepted = 0;  // trajectories
  };

  absl::StatusOr<std::optional<Receipt>> ReceiveMessage(ActorLink& actor, v1::ActorMessage& message, absl::Time now,
                                                        bool confirm);
  // Judges a result of a connected actor. If this returns INVALID_ARGUMENT, it has already counted the result's
  // trajectories as rejected.
  absl::StatusOr<Receipt> ReceiveResult(ConnectedActor& actor, v1::RolloutResult& result, absl::Time now);
  absl::StatusOr<Acceptance> Judge(ConnectedActor& actor, v1::RolloutResult& result, absl::Time now);
  absl::Status ReceiveFailure(ConnectedActor& actor, const v1::RolloutFailure& failure, absl::Time now);
  // Notes that a request's last result has come.
  void EndRequest(ConnectedActor& actor, uint64_t request_id, absl::Time now);
  void Count(const Acceptance& acceptance);

  // Forgets a connected actor, and releases its requests.
  void Forget(const ActorLink& actor);
  // Renews an actor's place in the index. To be called after its requests have changed, or the time since which it owes
  // results.
  void Update(const ConnectedActor& actor) { index_.Put(*actor.link(), actor.IndexState()); }
  // Renews the places of all actors. To be called when an order is done or dropped: no actor owes it results then.
  void UpdateAll();

  // Sends requests to all actors that may have more.
  void Pump(absl::Time now);
  // Sends an actor its next request. Returns false if no order has work for it.
  bool Ask(ConnectedActor& actor, absl::Time now);

  absl::Time Deadline(const ConnectedActor& actor) const { return actor.Deadline(patience_.current()); }
  // Returns the actor whose deadline comes first; nullptr: no actor owes anything, or none is idle.
  const ConnectedActor* FindSlowest() const;
  void Fence(const ConnectedActor& actor, absl::Time now);

  v1::EnvironmentSpec environment_;
  uint64_t last_request_id_ = 0;
  std::map<const ActorLink*, ConnectedActor> actors_;
  std::map<std::string, const ActorLink*> by_worker_;
  ActorIndex index_;                 // of actors_, always up to date
  std::vector<ActiveOrder> orders_;  // in the order of service
  v1::TrajectoryAccounting accounting_;
  Patience patience_;
  FencedWorkers fenced_;
  const Order* failed_order_ = nullptr;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_DISPATCHER_H_
