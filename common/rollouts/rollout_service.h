// The gRPC service Rollouts: every stream of an actor becomes calls of a handler, and messages to the actor, with the
// policy that it acts with, go out on the stream.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_ROLLOUT_SERVICE_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_ROLLOUT_SERVICE_H_

#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <cstddef>
#include <memory>

#include "common/rollouts/actor_link.h"
#include "common/snapshot/policy_snapshot.h"
#include "understudy/v1/rollouts.grpc.pb.h"

namespace understudy {

// Most streams of one service at a time. All actors that a coordinator knows may work for one stage.
inline constexpr int kMaxActorStreams = 20'000;

// A sink's side of the service. Its functions are called on gRPC's threads and must not block. For each link the calls
// come one after another: OnConnected, then OnMessage for each message, then OnGone.
class RolloutHandler {
 public:
  virtual ~RolloutHandler() = default;

  // An actor has connected; its hello is valid. The handler lets the first message in with link->ReadNext(), or refuses
  // the actor with link->Close(status). OnGone follows in both cases.
  virtual void OnConnected(std::shared_ptr<ActorLink> link) = 0;

  // The actor has sent a result or a failure. The next message comes only after link->ReadNext().
  virtual void OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) = 0;

  // The stream has ended. The link stays valid for as long as somebody holds it.
  virtual void OnGone(std::shared_ptr<ActorLink> link) = 0;
};

// Returns a serialised SinkMessage with chunk `index` of a snapshot (see MakeChunk), as the service sends it. The
// parameters in it are not copied: the bytes refer to the snapshot's memory, and hold the snapshot for as long as gRPC
// needs it.
grpc::ByteBuffer MakePolicyFrame(std::shared_ptr<const PolicySnapshot> snapshot, size_t index);

// Thread-safe. Some streams end before the handler hears of them: with INVALID_ARGUMENT if the first message is not a
// hello, FAILED_PRECONDITION if it names another protocol version, DEADLINE_EXCEEDED if it does not come within ten
// seconds. RESOURCE_EXHAUSTED: there are kMaxActorStreams streams, or an actor leaves too much unread.
class RolloutService final : public v1::Rollouts::WithRawCallbackMethod_RollOut<v1::Rollouts::Service> {
 public:
  // `handler` must outlive the server that serves this.
  explicit RolloutService(RolloutHandler& handler);
  ~RolloutService() override;

  using v1::Rollouts::WithRawCallbackMethod_RollOut<v1::Rollouts::Service>::RollOut;
  // Reads and writes raw bytes, so that a policy is sent from where it is in memory.
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* RollOut(grpc::CallbackServerContext* context) override;

 private:
  class Stream;
  RolloutHandler& handler_;
  std::atomic<int> streams_ = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_ROLLOUT_SERVICE_H_
