// Fulfils rollout requests: environments and policy inference, without gRPC.
#ifndef UNDERSTUDY_ACTOR_ROLLOUT_WORKER_H_
#define UNDERSTUDY_ACTOR_ROLLOUT_WORKER_H_

#include "absl/status/statusor.h"
#include "actor/rollout_run.h"
#include "actor/vector_environment.h"
#include "common/policy/policy.h"
#include "common/process/cancellation.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// Runs `width` episodes or slots at a time, each in a lane of its own; a lane that is done goes on with the next
// number. A trajectory depends on the policy, the seed and its number alone, since inference computes each row as if
// there were no others (Policy::Infer). Once its buffers have grown, a step allocates nothing. Thread-compatible.
class RolloutWorker {
 public:
  // Errors are VectorEnvironment::Create's.
  static absl::StatusOr<RolloutWorker> Create(const v1::EnvironmentSpec& environment, int width);

  // Episodes come as they end, slots in their order. Errors: CheckRequest's, `emit`'s, CANCELLED, and
  // FAILED_PRECONDITION or INVALID_ARGUMENT where policy, environment or slot state give what no batch may hold: the
  // environment, the episode or slot, the step and, of numbers, which one is not finite are named.
  absl::Status Run(const v1::RolloutRequest& request, const Policy& policy, const EmitResult& emit,
                   const Cancellation& cancellation);

  const v1::EnvironmentSpec& environment() const { return environments_.spec(); }

 private:
  explicit RolloutWorker(VectorEnvironment environments);

  VectorEnvironment environments_;
  RolloutBuffers buffers_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_ROLLOUT_WORKER_H_
