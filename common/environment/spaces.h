// Checks, sizes and texts of observation and action spaces.
#ifndef UNDERSTUDY_COMMON_ENVIRONMENT_SPACES_H_
#define UNDERSTUDY_COMMON_ENVIRONMENT_SPACES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// Checks that an environment may declare this space. A space has a kind. A box has 1 to 16 positive dimensions and at
// most 2^24 elements; its bounds are not NaN, and there are none or one for each element. A discrete n is in [1, 2^20].
// Errors: INVALID_ARGUMENT names what was found.
absl::Status ValidateSpace(const v1::Space& space);

// Returns how many numbers one element of a valid space has: the product of a box's shape, or 1 for a discrete space.
int64_t SpaceSize(const v1::Space& space);

// Returns a canonical text like "Discrete(2)" or "Box(4; low …; high …)". It is the same in every process, and equal
// texts mean equal spaces.
std::string SpaceText(const v1::Space& space);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ENVIRONMENT_SPACES_H_
