// Formats text tables that fit a given width, if they can.
#ifndef UNDERSTUDY_CLI_TABLE_H_
#define UNDERSTUDY_CLI_TABLE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace understudy {

inline constexpr int kTableColumns = 100;

// Returns how many columns a terminal needs for UTF-8 text of single-width characters.
int DisplayWidth(std::string_view text);

// Returns the text if it fits `width`. Otherwise returns as much of its beginning as fits, with "…" at the end.
std::string Clip(std::string_view text, int width);

// Formats one line for each row. The first row is a header, with a rule below it. Every row has as many cells as the
// header. Columns are two spaces apart. A column whose header begins with '>' (not printed) is right-aligned. Control
// characters are printed as '?'.
//
// If a line would be wider than `width`, the widest column is clipped, but not below 8 characters. The first column is
// never clipped, because it has the names to ask for more by.
std::string FormatTable(std::vector<std::vector<std::string>> rows, int width = kTableColumns);

// Formats "name   value" lines with aligned values. Pairs with an empty value are left out.
std::string FormatFields(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_TABLE_H_
