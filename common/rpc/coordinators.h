// Where the coordinator is: of several on one store one is active, and those that stand by do not listen.
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

  // `addresses`: HOST:PORT, or several with commas between them. Connects to nobody. INVALID_ARGUMENT names what is no
  // address, or says that there are too many.
  static absl::StatusOr<std::shared_ptr<Coordinators>> Make(
      const std::string& addresses, const std::shared_ptr<grpc::ChannelCredentials>& credentials = nullptr);

  // Whom to ask: the first one to begin with, and then whoever answered last.
  Peer Current() const;
  // `silent` did not answer: unless another is being asked already, it is the next one's turn, after the last the
  // first's.
  void MoveOn(const Peer& silent);

  const std::vector<Peer>& peers() const { return peers_; }
  // Whether they are called with TLS.
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
