// The addresses of the coordinators, and which of them to call. If there are several on one store, one is active; the
// others stand by, and do not listen.
#ifndef UNDERSTUDY_COMMON_RPC_COORDINATORS_H_
#define UNDERSTUDY_COMMON_RPC_COORDINATORS_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "common/process/mutex.h"

namespace understudy {

inline constexpr size_t kMaxCoordinators = 16;

// Thread-safe.
class Coordinators {
 public:
  struct Peer {
    std::string address;
    std::shared_ptr<grpc::Channel> channel;
  };

  // `addresses`: HOST:PORT, or several with commas between them. Does not connect yet.
  // INVALID_ARGUMENT: one is not an address, or there are too many.
  static absl::StatusOr<std::shared_ptr<Coordinators>> Make(
      const std::string& addresses, const std::shared_ptr<grpc::ChannelCredentials>& credentials = nullptr);

  // Returns the coordinator to call: the first one at the beginning, later the one that answered last.
  Peer Current() const;
  // Turns to the next coordinator because `silent` did not answer. The first one follows the last. Does nothing if
  // another one is current already.
  void MoveOn(const Peer& silent);

  const std::vector<Peer>& peers() const { return peers_; }
  // Returns whether they are called with TLS.
  bool tls() const { return tls_; }

 private:
  Coordinators(std::vector<Peer> peers, bool tls) : peers_(std::move(peers)), tls_(tls) {}

  const std::vector<Peer> peers_;  // not empty
  const bool tls_;
  mutable Mutex mutex_;
  size_t current_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RPC_COORDINATORS_H_
