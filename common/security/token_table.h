// The table of bearer tokens, each with its role.
#ifndef UNDERSTUDY_COMMON_SECURITY_TOKEN_TABLE_H_
#define UNDERSTUDY_COMMON_SECURITY_TOKEN_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/security/peer_role.h"

namespace understudy {

// Checks that a token has 16 to 4,096 printable characters of ASCII, and no space.
// INVALID_ARGUMENT: it has not. The message does not repeat the token.
absl::Status ValidateToken(std::string_view token);

// Keeps only the SHA-256 of each token. Immutable.
class TokenTable {
 public:
  TokenTable() = default;
  // Parses lines `ROLE TOKEN`, at most 10,000. Empty lines and lines that begin with # are left out.
  // INVALID_ARGUMENT: a line is wrong. The message names it.
  static absl::StatusOr<TokenTable> Parse(std::string_view text);

  // Returns the roles of a token. The time that it takes does not depend on how much of a token is right.
  PeerRoles Find(std::string_view token) const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string digest;
    PeerRole role;
  };
  std::vector<Entry> entries_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SECURITY_TOKEN_TABLE_H_
