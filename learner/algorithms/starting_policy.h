// The policy that a training stage begins with.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_STARTING_POLICY_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_STARTING_POLICY_H_

#include "absl/status/statusor.h"
#include "common/policy/policy.h"
#include "learner/algorithms/algorithm.h"

namespace understudy {

// The initial snapshot's parameters and network where there is one; else fresh parameters, by the stage's network and
// seed. INVALID_ARGUMENT, with both sides printed, where the snapshot's spaces are not the environment's or its network
// is not the one that the stage asks for; else as Policy::Create.
absl::StatusOr<Policy> StartingPolicy(const TrainingInput& input);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_STARTING_POLICY_H_
