#include "coordinator/storage/page.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace understudy {
namespace {

constexpr size_t kLongestToken = 2048;
constexpr char kSeparator = '\n';

// Databases take no other text as a parameter.
bool IsPlainText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

absl::StatusOr<int64_t> PageSize(const PageRequest& request) {
  if (request.size < 0) {
    return absl::InvalidArgumentError(absl::StrCat("page_size: found ", request.size, ", expected 0 or more"));
  }
  return request.size == 0 ? kDefaultPageSize : std::min(request.size, kMaxPageSize);
}

std::string MakePageToken(std::string_view list, const std::vector<std::string>& key) {
  return absl::WebSafeBase64Escape(
      absl::StrCat(std::string(list), std::string(1, kSeparator), absl::StrJoin(key, std::string(1, kSeparator))));
}

absl::StatusOr<std::vector<std::string>> ParsePageToken(std::string_view list, std::string_view token, size_t parts) {
  if (token.empty()) return std::vector<std::string>();
  std::string text;
  if (token.size() <= kLongestToken && absl::WebSafeBase64Unescape({token.data(), token.size()}, &text)) {
    std::vector<std::string> key = absl::StrSplit(text, kSeparator);
    const bool whole = key.size() == parts + 1 && key.front() == list;
    if (whole && std::all_of(key.begin(), key.end(), IsPlainText)) {
      key.erase(key.begin());
      return key;
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "page_token: expected next_page_token of an earlier page of the same list (", std::string(list), ")"));
}

}  // namespace understudy
