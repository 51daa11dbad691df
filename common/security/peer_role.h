// Who may call what. Thread-safe, pure.
#ifndef UNDERSTUDY_COMMON_SECURITY_PEER_ROLE_H_
#define UNDERSTUDY_COMMON_SECURITY_PEER_ROLE_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace understudy {

// What a peer is there for, as its certificate or its token says. A client submits and watches experiments, and reads
// what they made; an admin may also delete it. The coordinator calls nobody.
enum class PeerRole { kActor, kLearner, kCoordinator, kClient, kAdmin };

// "actor" …
std::string_view PeerRoleName(PeerRole role);
std::optional<PeerRole> ParsePeerRole(std::string_view name);

// Before the role's name in a certificate's subject alternative names, as a URI.
inline constexpr std::string_view kRoleUriPrefix = "urn:understudy:role:";

class PeerRoles {
 public:
  void Add(PeerRole role) { bits_ |= Bit(role); }
  bool Has(PeerRole role) const { return (bits_ & Bit(role)) != 0; }
  bool empty() const { return bits_ == 0; }
  // "actor and learner", with the conjunction; "none".
  std::string Text(std::string_view conjunction) const;

 private:
  static unsigned Bit(PeerRole role) { return 1U << static_cast<unsigned>(role); }
  unsigned bits_ = 0;
};

// `method` as in HTTP/2's path: "/understudy.v1.Datasets/Delete". UNAUTHENTICATED: nobody may call it who has no role,
// and these are none. PERMISSION_DENIED names the roles that may, and those that were found. Health checks are for
// everybody; methods that the table does not name are for nobody.
absl::Status CheckMayCall(const PeerRoles& roles, std::string_view method);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SECURITY_PEER_ROLE_H_
