// The roles of callers, and the methods that each role may call. Pure; thread-safe.
#ifndef UNDERSTUDY_COMMON_SECURITY_PEER_ROLE_H_
#define UNDERSTUDY_COMMON_SECURITY_PEER_ROLE_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace understudy {

// The role of a peer, as its certificate or its token says. A client submits and watches experiments, and reads what
// they made. An admin may also delete it. The coordinator calls nobody.
enum class PeerRole { kActor, kLearner, kCoordinator, kClient, kAdmin };

// Returns the name of a role: "actor" …
std::string_view PeerRoleName(PeerRole role);
std::optional<PeerRole> ParsePeerRole(std::string_view name);

// What stands before the name of a role in the URIs of a certificate's subject alternative names.
inline constexpr std::string_view kRoleUriPrefix = "urn:understudy:role:";

class PeerRoles {
 public:
  void Add(PeerRole role) { bits_ |= Bit(role); }
  bool Has(PeerRole role) const { return (bits_ & Bit(role)) != 0; }
  bool empty() const { return bits_ == 0; }
  // Returns the names, such as "actor and learner" with the conjunction "and"; "none" if there are no roles.
  std::string Text(std::string_view conjunction) const;

 private:
  static unsigned Bit(PeerRole role) { return 1U << static_cast<unsigned>(role); }
  unsigned bits_ = 0;
};

// Checks that a caller with these roles may call a method, whose name is as in HTTP/2's path:
// "/understudy.v1.Datasets/Delete". Everybody may call health checks; nobody may call a method that the table does not
// name.
// UNAUTHENTICATED: there are no roles, and the method needs one. PERMISSION_DENIED: the roles are others; the message
// names the ones that may call it and the ones that were found.
absl::Status CheckMayCall(const PeerRoles& roles, std::string_view method);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SECURITY_PEER_ROLE_H_
