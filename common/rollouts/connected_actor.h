// An actor at a sink: what it has been sent, what it has in hand, and since when a result of it is due.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_CONNECTED_ACTOR_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_CONNECTED_ACTOR_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rollouts/actor_index.h"
#include "common/rollouts/actor_link.h"
#include "common/rollouts/order.h"
#include "common/snapshot/policy_snapshot.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// An actor keeps so many of the snapshots that it was sent last over a stream, and the sink counts on them.
inline constexpr size_t kPoliciesPerStream = 4;

// Thread-compatible; no gRPC, no clock.
class ConnectedActor {
 public:
  explicit ConnectedActor(std::shared_ptr<ActorLink> link) : link_(std::move(link)) {}

  const std::shared_ptr<ActorLink>& link() const { return link_; }
  const std::string& worker_id() const { return link_->hello().worker_id(); }

  // Sends a request, after the policy that it acts with where the actor does not have that. `order`: whose it is.
  void Ask(v1::RolloutRequest request, std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy);

  // The order whose next result this is, which counts as come; nullptr: that was dropped. INVALID_ARGUMENT: no request
  // of it is in flight here, or it is out of order, naming both.
  absl::StatusOr<std::shared_ptr<Order>> TakeNext(const v1::RolloutResult& result);
  // The last result of a request came.
  void EndRequest(uint64_t request_id);
  // A request failed, and is over: its order; nullptr: that was dropped. INVALID_ARGUMENT: it is not in flight here.
  absl::StatusOr<std::shared_ptr<Order>> TakeFailed(uint64_t request_id);

  // Whatever comes for the order from now on is for nobody.
  void Drop(const Order& order);
  // What it has not delivered its orders are to ask of others.
  void Release() const;

  size_t in_flight() const { return requests_.size(); }
  // Whether an order that is not done waits for it.
  bool Owes() const;

  // What it owes is owed from now on, for as long as the patience is now.
  void RestartClock(absl::Time now, absl::Duration patience);
  // How long that has been. An hour in which nobody ran, because the host slept, makes nobody patient for hours: no
  // longer than the patience was when the clock was restarted.
  absl::Duration WaitedFor(absl::Time now) const;
  // When the patience with it ends, or its last chance.
  absl::Time Deadline(absl::Duration patience) const { return last_chance_.value_or(owes_since_ + patience); }
  void GiveLastChance(absl::Time until) { last_chance_ = until; }
  bool has_last_chance() const { return last_chance_.has_value(); }
  // ABORTED, for one that owes: what did not come, and for how long.
  absl::Status FencedStatus(absl::Time now) const;

  // What an index must know of it.
  ActorIndex::State IndexState() const;

 private:
  struct Request {
    std::shared_ptr<Order> order;  // nullptr: dropped
    uint32_t next_sequence = 0;
  };
  void SendPolicy(std::shared_ptr<const PolicySnapshot> policy);

  std::shared_ptr<ActorLink> link_;
  std::map<uint64_t, Request> requests_;                  // in flight; the first is in hand
  std::deque<std::pair<std::string, int64_t>> policies_;  // sent last
  bool answered_ = false;                                 // a whole request
  absl::Time owes_since_;                                 // its request is in hand, or its last result came
  absl::Duration patience_;                               // at that time
  std::optional<absl::Time> last_chance_;                 // it is overdue, and fenced then
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_CONNECTED_ACTOR_H_
