#include "common/security/token_table.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/snapshot/checksum.h"

namespace understudy {
namespace {

constexpr size_t kShortest = 16;
constexpr size_t kLongest = 4096;
constexpr size_t kMostTokens = 10'000;

absl::Status LineError(int line, std::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("line ", line, ": ", absl::string_view(what.data(), what.size())));
}

}  // namespace

absl::Status ValidateToken(std::string_view token) {
  if (token.size() < kShortest || token.size() > kLongest) {
    return absl::InvalidArgumentError(absl::StrCat("a token of ", token.size(), " characters, expected ", kShortest,
                                                   " to ", kLongest, " (openssl rand -hex 32 makes one)"));
  }
  if (!std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c <= '~'; })) {
    return absl::InvalidArgumentError("a token with a space, or a character that is not printable ASCII");
  }
  return absl::OkStatus();
}

absl::StatusOr<TokenTable> TokenTable::Parse(std::string_view text) {
  TokenTable table;
  int number = 0;
  for (const absl::string_view line : absl::StrSplit(absl::string_view(text.data(), text.size()), '\n')) {
    ++number;
    const std::vector<absl::string_view> words = absl::StrSplit(line, absl::ByAnyChar(" \t\r"), absl::SkipEmpty());
    if (words.empty() || words.front().front() == '#') continue;
    if (words.size() != 2)
      return LineError(number, absl::StrCat("expected ROLE TOKEN, found ", words.size(), " words"));
    const auto role = ParsePeerRole({words[0].data(), words[0].size()});
    if (!role.has_value()) {
      return LineError(number, "the first word is no role; expected actor, learner, coordinator, client or admin");
    }
    const std::string_view token(words[1].data(), words[1].size());
    if (const absl::Status valid = ValidateToken(token); !valid.ok()) {
      return LineError(number, {valid.message().data(), valid.message().size()});
    }
    if (table.size() == kMostTokens) return LineError(number, absl::StrCat("more than ", kMostTokens, " tokens"));
    table.entries_.push_back({Sha256(token), *role});
  }
  return table;
}

PeerRoles TokenTable::Find(std::string_view token) const {
  PeerRoles roles;
  const std::string digest = Sha256(token);
  for (const Entry& entry : entries_) {
    if (CRYPTO_memcmp(entry.digest.data(), digest.data(), digest.size()) == 0) roles.Add(entry.role);
  }
  return roles;
}

}  // namespace understudy
