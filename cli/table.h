// Text tables of at most a given width.
#ifndef UNDERSTUDY_CLI_TABLE_H_
#define UNDERSTUDY_CLI_TABLE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace understudy {

inline constexpr int kTableColumns = 100;

// Columns that a terminal needs for UTF-8 text of single-width characters.
int DisplayWidth(std::string_view text);

// The text, or as much of its beginning as fits `width`, then "…".
std::string Clip(std::string_view text, int width);

// One line a row, the first a header with a rule below it, columns two spaces apart. Columns whose header begins with
// '>' (not printed) are right-aligned. Where a line would be wider than `width`, the widest column is clipped, but
// never the first: it has the names to ask for more by. Every row has as many cells as the header. Control characters
// are printed as '?'.
std::string FormatTable(std::vector<std::vector<std::string>> rows, int width = kTableColumns);

// "name   value" lines, values aligned; pairs with an empty value are left out.
std::string FormatFields(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_TABLE_H_
