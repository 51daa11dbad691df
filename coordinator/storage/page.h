// Pages: a long list is read a bounded piece at a time. Each page comes with a token that says where the next one
// begins. A token holds the sort key of the page's last item, so items that are added or deleted meanwhile move no
// other item from one page to another.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_PAGE_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_PAGE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace understudy {

inline constexpr int64_t kDefaultPageSize = 100;
inline constexpr int64_t kMaxPageSize = 1000;
// A page ends with the item that makes it this large.
inline constexpr int64_t kPageBytes = int64_t{1} << 20;

// Which page is wanted.
struct PageRequest {
  int64_t size = 0;        // items, at most; 0: kDefaultPageSize, more than kMaxPageSize counts as that
  std::string token = {};  // `next_token` of the page before; empty: the first page
};

template <typename Item>
struct Page {
  std::vector<Item> items;
  std::string next_token;  // empty: this is the last page
};

// Returns how many items a page may have.
// INVALID_ARGUMENT: the size is negative.
absl::StatusOr<int64_t> PageSize(const PageRequest& request);

// Makes a token of the list with this name. `key` is the sort key of the last item that was read.
std::string MakePageToken(std::string_view list, const std::vector<std::string>& key);

// Returns the key in a token, which has `parts` parts. An empty token has an empty key.
// INVALID_ARGUMENT: the token is none of this list.
absl::StatusOr<std::vector<std::string>> ParsePageToken(std::string_view list, std::string_view token, size_t parts);

// Reads a whole list: calls `visit` with each item of `list(PageRequest)`, page after page. Returns the first error of
// either.
template <typename List, typename Visit>
absl::Status ForEachItem(const List& list, const Visit& visit) {
  PageRequest request{.size = kMaxPageSize};
  do {
    auto page = list(request);
    if (!page.ok()) return page.status();
    for (auto& item : page->items) {
      if (absl::Status status = visit(std::move(item)); !status.ok()) return status;
    }
    request.token = std::move(page->next_token);
  } while (!request.token.empty());
  return absl::OkStatus();
}

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_PAGE_H_
