// Gloo's transport, whose waits can be ended from outside.
#ifndef UNDERSTUDY_LEARNER_GROUP_BREAKABLE_TRANSPORT_H_
#define UNDERSTUDY_LEARNER_GROUP_BREAKABLE_TRANSPORT_H_

#include <gloo/transport/context.h>

#include <memory>

namespace understudy {

// Gloo wakes who waits for a connection that breaks, but not always where a message was half sent or half received at
// that moment; and not who waits for another connection. Thread-safe as Gloo's own is, and Break altogether.
class BreakableTransport final : public gloo::transport::Context {
 public:
  explicit BreakableTransport(std::shared_ptr<gloo::transport::Context> context);
  ~BreakableTransport() override;

  std::unique_ptr<gloo::transport::Pair>& getPair(int peer) override;
  std::unique_ptr<gloo::transport::Pair>& createPair(int peer) override;
  std::unique_ptr<gloo::transport::UnboundBuffer> createUnboundBuffer(void* bytes, size_t count) override;

  // Closes all connections, those too that are being made, and ends all waits, these and later ones, with Gloo's
  // exceptions. `connected`: none is being made any more.
  void Break(bool connected);

 private:
  class Buffer;
  class Waits;
  void CloseTo(int peer, bool connected);

  const std::shared_ptr<gloo::transport::Context> context_;
  const std::shared_ptr<Waits> waits_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_GROUP_BREAKABLE_TRANSPORT_H_
