// Makes the policy that a training stage begins with.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_STARTING_POLICY_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_STARTING_POLICY_H_

#include "absl/status/statusor.h"
#include "common/policy/policy.h"
#include "learner/algorithms/algorithm.h"

namespace understudy {

// Returns a policy with the network and the parameters of the initial snapshot. Without a snapshot it has the stage's
// network, and fresh parameters from the stage's seed.
// Errors: INVALID_ARGUMENT, which prints both sides, if the snapshot's spaces are not the environment's or its network
// is not the one that the stage asks for. Others as Policy::Create.
absl::StatusOr<Policy> StartingPolicy(const TrainingInput& input);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_STARTING_POLICY_H_
