#include "cli/number_format.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace understudy {

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

absl::StatusOr<absl::Duration> ParseAge(std::string_view text) {
  constexpr int64_t kMost = 1'000'000'000;
  int64_t number = 0;
  const std::string digits(text.substr(0, text.empty() ? 0 : text.size() - 1));
  const bool whole =
      std::all_of(digits.begin(), digits.end(), [](unsigned char c) { return absl::ascii_isdigit(c); }) &&
      absl::SimpleAtoi(digits, &number) && number <= kMost;
  switch (whole ? text.back() : ' ') {
    case 's':
      return absl::Seconds(number);
    case 'm':
      return absl::Minutes(number);
    case 'h':
      return absl::Hours(number);
    case 'd':
      return absl::Hours(24 * number);
    case 'w':
      return absl::Hours(7 * 24 * number);
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("found the age '", std::string(text), "', expected a number with s, m, h, d or w, as in 30d"));
  }
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

std::string StatusName(v1::Status status) { return std::string(absl::StripPrefix(v1::Status_Name(status), "STATUS_")); }

bool HasEnded(v1::Status status) {
  return status == v1::STATUS_SUCCEEDED || status == v1::STATUS_FAILED || status == v1::STATUS_CANCELLED;
}

}  // namespace understudy
