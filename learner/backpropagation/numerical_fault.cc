#include "learner/backpropagation/numerical_fault.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

constexpr char kDivergedUrl[] = "understudy/diverged";
constexpr uint32_t kExponent = 0x7F800000;

bool IsNotFinite(float value) { return (std::bit_cast<uint32_t>(value) & kExponent) == kExponent; }

}  // namespace

absl::Status CheckFinite(std::string_view name, double value) {
  if (std::isfinite(value)) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(std::string(name), " is ", value));
}

absl::Status CheckFinite(std::string_view name, std::span<const float> values, size_t first) {
  const std::optional<size_t> index = FindNotFinite(values);
  if (!index.has_value()) return absl::OkStatus();
  return CheckFinite(absl::StrCat("element ", first + *index, " of ", std::string(name)), values[*index]);
}

std::optional<size_t> FindNotFinite(std::span<const float> values) {
  // Without a branch for each number first: nearly always all are finite.
  uint32_t any = 0;
  for (const float value : values) any |= static_cast<uint32_t>(IsNotFinite(value));
  if (any == 0) return std::nullopt;
  return std::find_if(values.begin(), values.end(), IsNotFinite) - values.begin();
}

absl::Status Diverged(std::string_view algorithm, std::string_view unit, int64_t number, const absl::Status& fault) {
  if (!absl::IsInternal(fault)) return fault;
  absl::Status diverged(
      fault.code(), absl::StrCat(std::string(algorithm), ": ", fault.message(), " in ", std::string(unit), " ", number,
                                 ": training has diverged; a smaller learning_rate may help"));
  diverged.SetPayload(kDivergedUrl, absl::Cord());
  return diverged;
}

bool HasDiverged(const absl::Status& status) { return status.GetPayload(kDivergedUrl).has_value(); }

absl::Status During(std::string_view unit, int64_t number, const absl::Status& status) {
  if (status.ok() || absl::IsCancelled(status) || absl::IsAborted(status)) return status;
  return absl::Status(status.code(), absl::StrCat(std::string(unit), " ", number, ": ", status.message()));
}

}  // namespace understudy
