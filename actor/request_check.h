// The one check that every rollout request passes before an actor works on it.
#ifndef UNDERSTUDY_ACTOR_REQUEST_CHECK_H_
#define UNDERSTUDY_ACTOR_REQUEST_CHECK_H_

#include <cstdint>

#include "absl/status/status.h"
#include "understudy/v1/policy.pb.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// Most episodes or slots of one request, and transitions of one slot.
inline constexpr int64_t kMaxNumbersPerRequest = 65536;
inline constexpr int64_t kMaxStepsPerSegment = 1 << 20;

// INVALID_ARGUMENT: what the request asks for cannot be (its range, steps, states, action mode, records).
// FAILED_PRECONDITION: the policy was made for other spaces than the environment's, with both printed. Thread-safe.
absl::Status CheckRequest(const v1::RolloutRequest& request, const v1::PolicyHeader& policy,
                          const v1::EnvironmentSpec& environment);

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_REQUEST_CHECK_H_
