// Writes rates, durations and times for people. Everything here is pure.
#ifndef UNDERSTUDY_CLI_NUMBER_FORMAT_H_
#define UNDERSTUDY_CLI_NUMBER_FORMAT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Writes a rate in about three digits: "950", "12.3k", "4.5M".
std::string ShortText(double number);

// Writes a duration, which must not be negative: "0.84 s", "12.3 s", "3 min 05 s", "2 h 04 min".
std::string DurationText(absl::Duration duration);

// Reads an age, such as "30d": a whole number of s, m, h, d or w.
// INVALID_ARGUMENT: says what was found and expected.
absl::StatusOr<absl::Duration> ParseAge(std::string_view text);

// Writes a number of bytes: "12 B", "3.4 KiB", "1.2 MiB".
std::string BytesText(int64_t bytes);

// Writes a time: "2026-01-31 23:59:59 UTC". Empty for 0, which means never.
std::string TimeText(int64_t unix_ms);

// Names a status without the enum's prefix: "SUCCEEDED".
std::string StatusName(v1::Status status);

// Returns whether an experiment or stage has ended: SUCCEEDED, FAILED or CANCELLED.
bool HasEnded(v1::Status status);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_NUMBER_FORMAT_H_
