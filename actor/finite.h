// Finds the number that is not finite, and names it.
#ifndef UNDERSTUDY_ACTOR_FINITE_H_
#define UNDERSTUDY_ACTOR_FINITE_H_

#include <span>
#include <string>

namespace understudy {

bool AllFinite(std::span<const float> numbers);

// The first of the numbers that is not finite, which there must be: "observation[2] is inf"; of a single number
// "reward is nan"; with an owner "logits[1] of policy expert@7 is -inf".
std::string NameNotFinite(const std::string& name, std::span<const float> numbers, const std::string& owner = "");

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_FINITE_H_
