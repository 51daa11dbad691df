#include "common/snapshot/name.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace understudy {

bool IsValidName(std::string_view text) {
  constexpr size_t kMaxLength = 64;
  if (text.empty() || text.size() > kMaxLength || !absl::ascii_isalnum(text.front())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-'; });
}

}  // namespace understudy
