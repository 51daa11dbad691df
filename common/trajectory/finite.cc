#include "common/trajectory/finite.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace understudy {

std::optional<size_t> FindNotFinite(std::span<const float> numbers) {
  // No branch for each number, since nearly always all are finite.
  uint32_t any = 0;
  for (const float number : numbers) any |= static_cast<uint32_t>(IsNotFinite(number));
  if (any == 0) return std::nullopt;
  return std::find_if(numbers.begin(), numbers.end(), IsNotFinite) - numbers.begin();
}

std::string NameNotFinite(const std::string& name, std::span<const float> numbers, const std::string& owner) {
  const size_t place = FindNotFinite(numbers).value();
  const float bad = numbers[place];
  // The sign of a NaN means nothing.
  const char* found = std::isnan(bad) ? "nan" : bad > 0 ? "inf" : "-inf";
  const std::string index = numbers.size() == 1 ? "" : absl::StrCat("[", place, "]");
  return absl::StrCat(name, index, owner.empty() ? "" : " of ", owner, " is ", found);
}

}  // namespace understudy
