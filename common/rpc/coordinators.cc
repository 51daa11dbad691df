#include "common/rpc/coordinators.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/rpc/channel.h"

namespace understudy {

absl::StatusOr<std::shared_ptr<Coordinators>> Coordinators::Make(
    const std::string& addresses, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  std::vector<Peer> peers;
  for (const std::string& address : std::vector<std::string>(absl::StrSplit(addresses, ','))) {
    if (absl::Status valid = ValidateAddress(address); !valid.ok()) return valid;
    if (peers.size() == kMaxCoordinators) {
      return absl::InvalidArgumentError(absl::StrCat("coordinators: more than ", kMaxCoordinators, " addresses"));
    }
    peers.push_back({address, MakeChannel(address, credentials)});
  }
  return std::shared_ptr<Coordinators>(new Coordinators(std::move(peers), credentials != nullptr));
}

Coordinators::Peer Coordinators::Current() const {
  MutexLock lock(mutex_);
  return peers_[current_];
}

void Coordinators::MoveOn(const Peer& silent) {
  MutexLock lock(mutex_);
  if (peers_[current_].channel == silent.channel) current_ = (current_ + 1) % peers_.size();
}

}  // namespace understudy
