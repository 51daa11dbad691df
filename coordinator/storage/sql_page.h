// Reads one page of a list from a query.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_SQL_PAGE_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_SQL_PAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/storage/page.h"
#include "coordinator/storage/sql_connection.h"

namespace understudy {

// Reads a page of at most `size` items from a bound query whose LIMIT is `size` + 1: the row too many says that there
// is a next page. `item(row)` returns absl::StatusOr<std::optional<Item>>; nullopt leaves the row out. `key(row)`
// returns the row's sort key as MakePageToken takes it. Items are protocol buffer messages.
// Errors: the first error of the query or of `item`.
template <typename Item, typename ReadItem, typename ReadKey>
absl::StatusOr<Page<Item>> ReadPageOf(std::string_view list, SqlStatement& select, int64_t size, const ReadItem& item,
                                      const ReadKey& key) {
  Page<Item> page;
  std::vector<std::string> last;
  int64_t bytes = 0;
  for (int64_t rows = 0; true; ++rows) {
    const absl::StatusOr<bool> row = select.Step();
    if (!row.ok()) return row.status();
    if (!*row) return page;
    if (rows == size || bytes >= kPageBytes) {
      page.next_token = MakePageToken(list, last);
      return page;
    }
    absl::StatusOr<std::optional<Item>> one = item(select);
    if (!one.ok()) return one.status();
    last = key(select);
    if (!one->has_value()) continue;
    bytes += static_cast<int64_t>((*one)->ByteSizeLong());
    page.items.push_back(**std::move(one));
  }
}

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_SQL_PAGE_H_
