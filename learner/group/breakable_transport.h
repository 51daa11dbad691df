// Gloo's transport with one more call, Break, which ends all waits from outside.
#ifndef UNDERSTUDY_LEARNER_GROUP_BREAKABLE_TRANSPORT_H_
#define UNDERSTUDY_LEARNER_GROUP_BREAKABLE_TRANSPORT_H_

#include <gloo/transport/context.h>

#include <memory>

namespace understudy {

// Break is needed because Gloo itself wakes a thread that waits for a connection only when that connection breaks. It
// does not wake threads that wait for another connection, and not always if a message was half sent or half received.
// Break may be called at any time; otherwise this is as thread-safe as Gloo's own transport.
class BreakableTransport final : public gloo::transport::Context {
 public:
  explicit BreakableTransport(std::shared_ptr<gloo::transport::Context> context);
  ~BreakableTransport() override;

  std::unique_ptr<gloo::transport::Pair>& getPair(int peer) override;
  std::unique_ptr<gloo::transport::Pair>& createPair(int peer) override;
  std::unique_ptr<gloo::transport::UnboundBuffer> createUnboundBuffer(void* bytes, size_t count) override;

  // Closes all connections, also those that are being made, and ends all waits of now and later with Gloo's exceptions.
  void Break();

 private:
  class Buffer;
  class Waits;

  const std::shared_ptr<gloo::transport::Context> context_;
  const std::shared_ptr<Waits> waits_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_GROUP_BREAKABLE_TRANSPORT_H_
