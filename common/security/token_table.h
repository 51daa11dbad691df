// Bearer tokens, and the role that each stands for.
#ifndef UNDERSTUDY_COMMON_SECURITY_TOKEN_TABLE_H_
#define UNDERSTUDY_COMMON_SECURITY_TOKEN_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/security/peer_role.h"

namespace understudy {

// A token has 16 to 4,096 printable characters of ASCII, none of them a space. INVALID_ARGUMENT says what is wrong with
// it, without repeating it.
absl::Status ValidateToken(std::string_view token);

// What it was made from is not kept: only SHA-256 of each token is. Immutable.
class TokenTable {
 public:
  TokenTable() = default;
  // Lines `ROLE TOKEN`, and empty ones, and comments that begin with #. At most 10,000 tokens. INVALID_ARGUMENT names
  // the line.
  static absl::StatusOr<TokenTable> Parse(std::string_view text);

  // In a time that does not depend on how much of a token is right.
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
