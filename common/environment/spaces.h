// Sizes, equality and text of spaces.
#ifndef UNDERSTUDY_COMMON_ENVIRONMENT_SPACES_H_
#define UNDERSTUDY_COMMON_ENVIRONMENT_SPACES_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// Refuses what no environment could declare: no kind, empty or non-positive shape, more than 16 dimensions or 2^24
// elements, bounds of another length than the elements, NaN bounds, n outside [1, 2^20]. INVALID_ARGUMENT, naming what
// was found.
absl::Status ValidateSpace(const v1::Space& space);

// Numbers per element of a valid space: the product of a box's shape, 1 for discrete.
int64_t SpaceSize(const v1::Space& space);

// Canonical text, the same in every process: equal text means equal spaces. "Discrete(2)", "Box(4; low …; high …)".
std::string SpaceText(const v1::Space& space);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ENVIRONMENT_SPACES_H_
