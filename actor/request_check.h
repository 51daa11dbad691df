// Checks a rollout request before an actor works on it.
#ifndef UNDERSTUDY_ACTOR_REQUEST_CHECK_H_
#define UNDERSTUDY_ACTOR_REQUEST_CHECK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "understudy/v1/policy.pb.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// The most episodes or slots of one request, and the most transitions of one slot in it.
inline constexpr int64_t kMaxNumbersPerRequest = 65536;
inline constexpr int64_t kMaxStepsPerSegment = 1 << 20;

// Checks a request against the policy and the environment. Thread-safe.
// INVALID_ARGUMENT: the request makes no sense: its range, steps, states, action mode or records.
// FAILED_PRECONDITION: the policy was made for other spaces than the environment's. The error prints both.
absl::Status CheckRequest(const v1::RolloutRequest& request, const v1::PolicyHeader& policy,
                          const v1::EnvironmentSpec& environment);

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_REQUEST_CHECK_H_
