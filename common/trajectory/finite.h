// Finds numbers that are not finite (NaN and infinities) in trajectories, policies' outputs and gradients.
#ifndef UNDERSTUDY_COMMON_TRAJECTORY_FINITE_H_
#define UNDERSTUDY_COMMON_TRAJECTORY_FINITE_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace understudy {

// Returns whether the number is NaN or infinite. It tests the exponent's bits, so that a loop over it can use vector
// instructions.
inline bool IsNotFinite(float number) {
  constexpr uint32_t kExponent = 0x7F800000;
  return (std::bit_cast<uint32_t>(number) & kExponent) == kExponent;
}

// Returns the index of the first number that is not finite, or nullopt where all are finite. It scans with vector
// instructions, and a second time only to find the index.
std::optional<size_t> FindNotFinite(std::span<const float> numbers);

inline bool AllFinite(std::span<const float> numbers) { return !FindNotFinite(numbers).has_value(); }

// Names the first number that is not finite, which must exist: "observation[2] is inf". A single number has no index:
// "reward is nan". An owner is named too: "logits[1] of policy expert@7 is -inf".
std::string NameNotFinite(const std::string& name, std::span<const float> numbers, const std::string& owner = "");

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_TRAJECTORY_FINITE_H_
