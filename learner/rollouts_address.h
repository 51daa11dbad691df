// Chooses the address on which a learner listens for actors, and the address that they are told.
#ifndef UNDERSTUDY_LEARNER_ROLLOUTS_ADDRESS_H_
#define UNDERSTUDY_LEARNER_ROLLOUTS_ADDRESS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace understudy {

struct RolloutsAddress {
  std::string listen;     // HOST:PORT
  std::string advertise;  // HOST:PORT; port 0: the one that the server gets
};

struct RolloutsAddressOptions {
  std::string listen = {};                     // HOST:PORT; empty: chosen here, with any free port
  std::string advertise = {};                  // HOST:PORT that is reached from elsewhere; empty: chosen here
  std::vector<std::string> coordinators = {};  // HOST:PORT each, valid
  bool beyond_loopback = false;                // the server may listen on other addresses, too
};

// Chooses both addresses. Actors may be wherever a coordinator is reached. So a loopback address is good enough only if
// all coordinators are on loopback. Otherwise the choice is this machine's address on the way to the coordinator. What
// `listen` and `advertise` say is kept, or refused. Blocks for as long as the system's resolver does.
// Each error names the option to give.
// INVALID_ARGUMENT: an address is not HOST:PORT, or actors elsewhere could not connect to it.
// PERMISSION_DENIED: actors may be elsewhere, and the server may listen on loopback alone.
// UNAVAILABLE: `listen` cannot be resolved, or the choice needs a route to a coordinator and there is none.
absl::StatusOr<RolloutsAddress> ChooseRolloutsAddress(const RolloutsAddressOptions& options);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ROLLOUTS_ADDRESS_H_
