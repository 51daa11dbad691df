// Spreads a stage's orders over the actors that are connected: the pure core of every sink.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_DISPATCHER_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_DISPATCHER_H_

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/rollouts/actor_link.h"
#include "common/rollouts/order.h"
#include "common/snapshot/policy_snapshot.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// Rows of every actor's inference batches (SinkHello): enough that a step's fixed costs are shared by many, so few that
// forty actors find work in an order of a few thousand episodes or slots. No result depends on it.
inline constexpr int kInferenceWidth = 64;
// An actor keeps so many of the snapshots that it was sent last over a stream, and the sink counts on them.
inline constexpr size_t kPoliciesPerStream = 4;
// One that it works on, and one to go on with at once.
inline constexpr size_t kRequestsPerActor = 2;

// Thread-compatible; no gRPC. Bounds: two requests in flight for every actor, one policy snapshot per order.
class Dispatcher {
 public:
  explicit Dispatcher(v1::EnvironmentSpec environment);

  // Orders are served oldest first. `policy` is what the order's requests act with.
  void Add(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy);
  // Forgets an order, done or not. Results that still come for it are acknowledged as rejected.
  void Remove(const Order& order);

  // An actor came (it is greeted) or went (its requests are released). One that comes again under its worker id
  // replaces its earlier link, which is closed with ABORTED.
  void Connect(std::shared_ptr<ActorLink> actor);
  void Disconnect(const ActorLink& actor);
  int actors() const { return static_cast<int>(actors_.size()); }

  // A message of a connected actor. A result is validated, given to its order, acknowledged; a failure fails its order.
  // INVALID_ARGUMENT: a malformed message; the caller disconnects and closes that link with it. Any other error is the
  // order's failure. Messages of links that are not connected count for nothing.
  absl::Status Receive(ActorLink& actor, const v1::ActorMessage& message);
  absl::Status Receive(ActorLink& actor, const v1::RolloutResult& result);

  // Closes all links with a status and forgets them.
  void CloseAll(const absl::Status& status);

 private:
  struct ActiveOrder {
    std::shared_ptr<Order> order;
    std::shared_ptr<const PolicySnapshot> policy;
  };
  struct Request {
    std::shared_ptr<Order> order;  // nullptr: removed
    uint32_t next_sequence = 0;
  };
  struct Actor {
    std::shared_ptr<ActorLink> link;
    std::map<uint64_t, Request> requests;                  // in flight
    std::deque<std::pair<std::string, int64_t>> policies;  // sent last
  };

  absl::Status Fail(Actor& actor, const v1::RolloutFailure& failure);
  static void Release(const Actor& actor);
  // Sends every actor that has room its next request, after the policy that it needs.
  void Pump();
  // False where no order has anything to ask for.
  bool Ask(Actor& actor);
  static void SendPolicy(Actor& actor, const PolicySnapshot& policy);

  v1::EnvironmentSpec environment_;
  uint64_t last_request_id_ = 0;
  std::map<const ActorLink*, Actor> actors_;
  std::vector<ActiveOrder> orders_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_DISPATCHER_H_
