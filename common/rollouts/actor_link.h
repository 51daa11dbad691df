// A sink's end of the stream to one connected actor.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_ACTOR_LINK_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_ACTOR_LINK_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "common/snapshot/policy_snapshot.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// Thread-safe; nothing blocks. Implementations: the gRPC stream (rollout_service.cc), fakes in tests.
class ActorLink {
 public:
  virtual ~ActorLink() = default;

  // What the actor said of itself.
  virtual const v1::ActorHello& hello() const = 0;

  // Queues a message. After Close, or when the actor has gone, it goes nowhere. An actor that ends its side of the
  // stream still gets the acknowledgements that are queued.
  virtual void Send(v1::SinkMessage message) = 0;

  // Queues a policy. The gRPC stream makes its chunks as it sends them: however many actors wait for one, it is in
  // memory once.
  virtual void SendPolicy(std::shared_ptr<const PolicySnapshot> policy) {
    SendInChunks(*policy, [this](v1::PolicyChunk chunk) {
      v1::SinkMessage message;
      *message.mutable_policy() = std::move(chunk);
      Send(std::move(message));
      return true;
    });
  }

  // Lets the next message of the actor in. Until then at most one of its messages is held: that is the back-pressure.
  virtual void ReadNext() = 0;

  // Ends the stream with this status.
  virtual void Close(absl::Status status) = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_ACTOR_LINK_H_
