// Writes text for people: tables that fit a given width if they can, and the rates, durations and times in them.
// Everything here is pure.
#ifndef UNDERSTUDY_CLI_TABLE_H_
#define UNDERSTUDY_CLI_TABLE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"

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

// Writes a rate in about three digits: "950", "12.3k", "4.5M".
std::string ShortText(double number);

// Writes a duration, which must not be negative: "0.84 s", "12.3 s", "3 min 05 s", "2 h 04 min".
std::string DurationText(absl::Duration duration);

// Writes a number of bytes: "12 B", "3.4 KiB", "1.2 MiB".
std::string BytesText(int64_t bytes);

// Writes a time: "2026-01-31 23:59:59 UTC". Empty for 0, which means never.
std::string TimeText(int64_t unix_ms);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_TABLE_H_
