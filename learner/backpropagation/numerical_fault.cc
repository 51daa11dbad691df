#include "learner/backpropagation/numerical_fault.h"

#include <cmath>
#include <optional>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "common/trajectory/finite.h"

namespace understudy {
namespace {

constexpr char kDivergedUrl[] = "understudy/diverged";

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
