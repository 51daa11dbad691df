#include "actor/finite.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace understudy {

bool AllFinite(std::span<const float> numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](float number) { return std::isfinite(number); });
}

std::string NameNotFinite(const std::string& name, std::span<const float> numbers, const std::string& owner) {
  const auto bad = std::find_if(numbers.begin(), numbers.end(), [](float number) { return !std::isfinite(number); });
  // The sign of a NaN means nothing.
  const char* found = std::isnan(*bad) ? "nan" : *bad > 0 ? "inf" : "-inf";
  const std::string index = numbers.size() == 1 ? "" : absl::StrCat("[", bad - numbers.begin(), "]");
  return absl::StrCat(name, index, owner.empty() ? "" : " of ", owner, " is ", found);
}

}  // namespace understudy
