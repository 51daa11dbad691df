#include "cli/table.h"

#include <algorithm>
#include <iterator>
#include <numeric>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace understudy {
namespace {

constexpr int kGap = 2;
constexpr int kNarrowest = 8;  // a clipped column is never made narrower

bool BeginsCharacter(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

std::string Printable(std::string text) {
  for (char& byte : text) {
    if (absl::ascii_iscntrl(byte)) byte = '?';
  }
  return text;
}

std::string Pad(const std::string& text, int width, bool right) {
  const std::string spaces(std::max(0, width - DisplayWidth(text)), ' ');
  return right ? spaces + text : text + spaces;
}

void AppendLine(std::string line, std::string& out) {
  absl::StripTrailingAsciiWhitespace(&line);
  absl::StrAppend(&out, line, "\n");
}

std::vector<int> ColumnWidths(const std::vector<std::vector<std::string>>& rows, int width) {
  std::vector<int> widths(rows.front().size(), 0);
  for (const auto& row : rows) {
    for (size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  const int gaps = kGap * (static_cast<int>(widths.size()) - 1);
  const int surplus = std::accumulate(widths.begin(), widths.end(), gaps) - width;
  if (surplus > 0 && widths.size() > 1) {
    int& widest = *std::max_element(std::next(widths.begin()), widths.end());
    widest = std::max(kNarrowest, widest - surplus);
  }
  return widths;
}

}  // namespace

int DisplayWidth(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), BeginsCharacter));
}

std::string Clip(std::string_view text, int width) {
  if (DisplayWidth(text) <= width) return std::string(text);
  size_t end = 0;
  for (int characters = 0; end < text.size(); ++end) {
    if (BeginsCharacter(text[end]) && ++characters == std::max(1, width)) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string FormatTable(std::vector<std::vector<std::string>> rows, int width) {
  std::vector<bool> right;
  for (std::string& header : rows.front()) {
    right.push_back(!header.empty() && header.front() == '>');
    if (right.back()) header.erase(0, 1);
  }
  for (auto& row : rows) std::transform(row.begin(), row.end(), row.begin(), Printable);
  const std::vector<int> widths = ColumnWidths(rows, width);

  std::string out;
  for (size_t r = 0; r < rows.size(); ++r) {
    std::string line, rule;
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string gap(i == 0 ? 0 : kGap, ' ');
      absl::StrAppend(&line, gap, Pad(Clip(rows[r][i], widths[i]), widths[i], right[i]));
      absl::StrAppend(&rule, gap, std::string(widths[i], '-'));
    }
    AppendLine(std::move(line), out);
    if (r == 0) AppendLine(std::move(rule), out);
  }
  return out;
}

std::string FormatFields(const std::vector<std::pair<std::string, std::string>>& fields) {
  int width = 0;
  for (const auto& [name, value] : fields) {
    if (!value.empty()) width = std::max(width, DisplayWidth(name));
  }
  std::string out;
  for (const auto& [name, value] : fields) {
    if (!value.empty()) AppendLine(absl::StrCat(Pad(name, width + kGap, false), Printable(value)), out);
  }
  return out;
}

std::string ShortText(double number) {
  if (number < 999.5) return absl::StrFormat("%.0f", number);
  if (number < 99'950) return absl::StrFormat("%.1fk", number / 1e3);
  if (number < 999'500) return absl::StrFormat("%.0fk", number / 1e3);
  return absl::StrFormat("%.1fM", number / 1e6);
}

std::string DurationText(absl::Duration duration) {
  const double seconds = std::max(0.0, absl::ToDoubleSeconds(duration));
  if (seconds < 9.995) return absl::StrFormat("%.2f s", seconds);
  if (seconds < 59.95) return absl::StrFormat("%.1f s", seconds);
  const auto whole = static_cast<int64_t>(seconds + 0.5);
  if (whole < 3600) return absl::StrFormat("%d min %02d s", whole / 60, whole % 60);
  const int64_t minutes = (whole + 30) / 60;
  return absl::StrFormat("%d h %02d min", minutes / 60, minutes % 60);
}

std::string BytesText(int64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  double number = static_cast<double>(bytes) / 1024;
  const char* unit = "KiB";
  for (const char* larger : {"MiB", "GiB", "TiB"}) {
    if (number < 1024) break;
    number /= 1024;
    unit = larger;
  }
  return absl::StrFormat("%.1f %s", number, unit);
}

std::string TimeText(int64_t unix_ms) {
  if (unix_ms == 0) return "";
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", absl::FromUnixMillis(unix_ms), absl::UTCTimeZone());
}

}  // namespace understudy
