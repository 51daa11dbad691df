#include "actor/finite.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "absl/strings/str_cat.h"

namespace understudy {

bool AllFinite(std::span<const float> numbers) {
  constexpr uint32_t kExponent = 0x7F800000;
  // Without a branch for each number, fit for vector instructions.
  uint32_t any = 0;
  for (const float number : numbers) any |= (std::bit_cast<uint32_t>(number) & kExponent) == kExponent;
  return any == 0;
}

std::string NameNotFinite(const std::string& name, std::span<const float> numbers, const std::string& owner) {
  const auto bad = std::find_if(numbers.begin(), numbers.end(), [](float number) { return !std::isfinite(number); });
  // The sign of a NaN means nothing.
  const char* found = std::isnan(*bad) ? "nan" : *bad > 0 ? "inf" : "-inf";
  const std::string index = numbers.size() == 1 ? "" : absl::StrCat("[", bad - numbers.begin(), "]");
  return absl::StrCat(name, index, owner.empty() ? "" : " of ", owner, " is ", found);
}

}  // namespace understudy
