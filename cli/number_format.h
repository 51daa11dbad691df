// Rates, durations and times for people. Everything here is pure.
#ifndef UNDERSTUDY_CLI_NUMBER_FORMAT_H_
#define UNDERSTUDY_CLI_NUMBER_FORMAT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// "950", "12.3k", "4.5M": three digits or so, for rates.
std::string ShortText(double number);

// "0.84 s", "12.3 s", "3 min 05 s", "2 h 04 min"; not negative.
std::string DurationText(absl::Duration duration);

// Reads an age, as in "30d": a whole number of s, m, h, d or w. INVALID_ARGUMENT says what was found and expected.
absl::StatusOr<absl::Duration> ParseAge(std::string_view text);

// "12 B", "3.4 KiB", "1.2 MiB"
std::string BytesText(int64_t bytes);

// "2026-01-31 23:59:59 UTC"; empty for 0, which means never.
std::string TimeText(int64_t unix_ms);

// "SUCCEEDED": without the enum's prefix.
std::string StatusName(v1::Status status);

// SUCCEEDED, FAILED or CANCELLED.
bool HasEnded(v1::Status status);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_NUMBER_FORMAT_H_
