#include "learner/group/breakable_transport.h"

#include <gloo/common/error.h>
#include <gloo/transport/pair.h>
#include <gloo/transport/unbound_buffer.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <set>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/process/mutex.h"

namespace understudy {
namespace {

using gloo::transport::UnboundBuffer;

}  // namespace

// The buffers that somebody may be waiting for. Thread-safe.
class BreakableTransport::Waits {
 public:
  void Add(UnboundBuffer* buffer) {
    MutexLock lock(mutex_);
    buffers_.insert(buffer);
    if (ended_) Abort(*buffer);
  }
  void Remove(UnboundBuffer* buffer) {
    MutexLock lock(mutex_);
    buffers_.erase(buffer);
  }
  void End() {
    MutexLock lock(mutex_);
    ended_ = true;
    for (UnboundBuffer* buffer : buffers_) Abort(*buffer);
  }

 private:
  // Ends the wait of this moment, or else the next one.
  static void Abort(UnboundBuffer& buffer) {
    buffer.abortWaitSend();
    buffer.abortWaitRecv();
  }

  Mutex mutex_;
  std::set<UnboundBuffer*> buffers_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

class BreakableTransport::Buffer final : public UnboundBuffer {
 public:
  Buffer(std::unique_ptr<UnboundBuffer> buffer, std::shared_ptr<Waits> waits)
      : UnboundBuffer(buffer->ptr, buffer->size), buffer_(std::move(buffer)), waits_(std::move(waits)) {
    waits_->Add(buffer_.get());
  }
  ~Buffer() override { waits_->Remove(buffer_.get()); }

  bool waitRecv(int* rank, std::chrono::milliseconds timeout) override {
    return Completed(buffer_->waitRecv(rank, timeout));
  }
  bool waitSend(int* rank, std::chrono::milliseconds timeout) override {
    return Completed(buffer_->waitSend(rank, timeout));
  }
  void abortWaitRecv() override { buffer_->abortWaitRecv(); }
  void abortWaitSend() override { buffer_->abortWaitSend(); }
  void send(int rank, uint64_t slot, size_t offset, size_t bytes) override { buffer_->send(rank, slot, offset, bytes); }
  void recv(int rank, uint64_t slot, size_t offset, size_t bytes) override { buffer_->recv(rank, slot, offset, bytes); }
  void recv(std::vector<int> ranks, uint64_t slot, size_t offset, size_t bytes) override {
    buffer_->recv(std::move(ranks), slot, offset, bytes);
  }

 private:
  // Collectives do not look at the result.
  static bool Completed(bool completed) {
    if (!completed) throw gloo::IoException("the group was broken");
    return true;
  }

  const std::unique_ptr<UnboundBuffer> buffer_;
  const std::shared_ptr<Waits> waits_;
};

BreakableTransport::BreakableTransport(std::shared_ptr<gloo::transport::Context> context)
    : gloo::transport::Context(context->rank, context->size),
      context_(std::move(context)),
      waits_(std::make_shared<Waits>()) {
  setTimeout(context_->getTimeout());
}

BreakableTransport::~BreakableTransport() = default;

std::unique_ptr<gloo::transport::Pair>& BreakableTransport::getPair(int peer) { return context_->getPair(peer); }

std::unique_ptr<gloo::transport::Pair>& BreakableTransport::createPair(int peer) { return context_->createPair(peer); }

std::unique_ptr<UnboundBuffer> BreakableTransport::createUnboundBuffer(void* bytes, size_t count) {
  return std::make_unique<Buffer>(context_->createUnboundBuffer(bytes, count), waits_);
}

void BreakableTransport::Break() {
  // Gloo closes all connections, and wakes everybody who waits for one, after somebody has waited in vain. Its
  // Pair::close is not used, because it resets the connection. A peer that accepts a connection that was reset ends its
  // process: on its own thread Gloo asks for the other end's address, and expects that there is one.
  char nothing = 0;
  const auto buffer = context_->createUnboundBuffer(&nothing, sizeof(nothing));
  try {
    buffer->waitRecv(std::chrono::milliseconds(1));
  } catch (const std::exception&) {
  }
  waits_->End();
}

}  // namespace understudy
