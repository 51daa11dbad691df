// The sink's end of the stream to one actor.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_ACTOR_LINK_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_ACTOR_LINK_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "common/snapshot/policy_snapshot.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// Thread-safe; no function blocks. Implementations: the gRPC stream (rollout_service.cc), fakes in tests.
class ActorLink {
 public:
  virtual ~ActorLink() = default;

  // Returns how the actor introduced itself.
  virtual const v1::ActorHello& hello() const = 0;

  // Queues a message. It is dropped after Close, or if the actor has gone. If the actor has ended its side of the
  // stream, only the acknowledgements that are queued still reach it.
  virtual void Send(v1::SinkMessage message) = 0;

  // Queues a policy. The gRPC stream cuts it into chunks while it sends, so that a policy is in memory only once,
  // however many actors wait for it.
  virtual void SendPolicy(std::shared_ptr<const PolicySnapshot> policy) {
    SendInChunks(*policy, [this](v1::PolicyChunk chunk) {
      v1::SinkMessage message;
      *message.mutable_policy() = std::move(chunk);
      Send(std::move(message));
      return true;
    });
  }

  // Lets the actor's next message in. At most one message is held until then: that is the back-pressure.
  virtual void ReadNext() = 0;

  // Ends the stream with this status.
  virtual void Close(absl::Status status) = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_ACTOR_LINK_H_
