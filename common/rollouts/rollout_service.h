// The Rollouts gRPC service: turns streams of actors into calls on a handler.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_ROLLOUT_SERVICE_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_ROLLOUT_SERVICE_H_

#include <atomic>
#include <memory>

#include "common/rollouts/actor_link.h"
#include "understudy/v1/rollouts.grpc.pb.h"

namespace understudy {

// Streams of one service at a time: all actors that a coordinator knows may be at one stage.
inline constexpr int kMaxActorStreams = 20'000;

// Called from gRPC's threads: implementations must not block. For one link the calls come one after another: connected,
// messages, gone. Links outlive `OnGone` for as long as somebody holds them.
class RolloutHandler {
 public:
  virtual ~RolloutHandler() = default;

  // The actor's hello is in link->hello(), its protocol version checked. To refuse it, link->Close(status) (OnGone will
  // still follow); otherwise link->ReadNext() lets its first message in.
  virtual void OnConnected(std::shared_ptr<ActorLink> link) = 0;

  // A result or a failure. The next message comes only after link->ReadNext().
  virtual void OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) = 0;

  // The stream has ended, for whatever reason.
  virtual void OnGone(std::shared_ptr<ActorLink> link) = 0;
};

// Thread-safe. Streams whose first message is no hello, or another protocol version, or that say nothing for ten
// seconds, end with INVALID_ARGUMENT, FAILED_PRECONDITION or DEADLINE_EXCEEDED before the handler hears of them. At
// most kMaxActorStreams at a time, then RESOURCE_EXHAUSTED; so ends a stream whose actor leaves too much unread, too.
class RolloutService final : public v1::Rollouts::WithRawCallbackMethod_RollOut<v1::Rollouts::Service> {
 public:
  // `handler` must outlive the server that serves this.
  explicit RolloutService(RolloutHandler& handler);
  ~RolloutService() override;

  using v1::Rollouts::WithRawCallbackMethod_RollOut<v1::Rollouts::Service>::RollOut;
  // In the bytes of the wire, so that a policy is sent from where it is.
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* RollOut(grpc::CallbackServerContext* context) override;

 private:
  class Stream;
  RolloutHandler& handler_;
  std::atomic<int> streams_ = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_ROLLOUT_SERVICE_H_
