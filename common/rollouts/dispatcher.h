// Spreads a stage's orders over the actors that are connected: the pure core of every sink.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_DISPATCHER_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_DISPATCHER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "common/rollouts/actor_link.h"
#include "common/rollouts/order.h"
#include "common/snapshot/policy_snapshot.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// Rows of every inference batch of every experiment: see SinkHello.
inline constexpr int kInferenceWidth = 64;

// Thread-compatible; no gRPC. Bounds: two requests in flight for every actor, one policy snapshot per order.
class Dispatcher {
 public:
  explicit Dispatcher(v1::EnvironmentSpec environment);

  // Orders are served oldest first. `policy` is what the order's requests act with.
  void Add(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy);
  // Forgets an order, done or not. Results that still come for it are acknowledged as rejected.
  void Remove(const Order& order);

  // An actor came (it is greeted) or went (its requests are released).
  void Connect(std::shared_ptr<ActorLink> actor);
  void Disconnect(const ActorLink& actor);
  int actors() const;

  // A result of a connected actor: validated, given to its order, acknowledged. INVALID_ARGUMENT: a malformed result; the
  // caller closes that link with it. Any other error is the order's failure.
  absl::Status Receive(ActorLink& actor, const v1::RolloutResult& result);

  // Closes all links with a status and forgets them.
  void CloseAll(const absl::Status& status);

 private:
  struct Actor;
  struct ActiveOrder;
  // Sends every actor that has room its next request, after the policy that it needs.
  void Pump();

  v1::EnvironmentSpec environment_;
  uint64_t last_request_id_ = 0;
  std::map<const ActorLink*, Actor> actors_;
  std::vector<ActiveOrder> orders_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_DISPATCHER_H_
