// Fulfils rollout requests: it steps environments, infers actions, and records trajectories. It knows no gRPC.
#ifndef UNDERSTUDY_ACTOR_ROLLOUT_WORKER_H_
#define UNDERSTUDY_ACTOR_ROLLOUT_WORKER_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "actor/trajectory_recorder.h"
#include "actor/vector_environment.h"
#include "common/policy/policy.h"
#include "common/process/cancellation.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// Runs `width` episodes or slots at a time, each in a lane of its own; a lane that has finished one goes on with the
// next number. A trajectory depends only on the policy, the seed and its number, since inference computes each row as
// if there were no others (Policy::Infer). Once the buffers have grown, a step allocates nothing. Thread-compatible.
class RolloutWorker {
 public:
  // Memory that one request hands on to the next.
  struct Buffers {
    std::vector<TrajectoryRecorder> recorders;  // one a lane
    v1::RolloutResult result;
  };

  // Errors: VectorEnvironment::Create's.
  static absl::StatusOr<RolloutWorker> Create(const v1::EnvironmentSpec& environment, int width);

  // Fulfils a request, and emits its results: episodes as they end, slots in their order.
  // Errors: CheckRequest's and `emit`'s; CANCELLED. FAILED_PRECONDITION or INVALID_ARGUMENT: policy, environment or
  // slot state gave what no batch may hold, for instance a number that is not finite. The error names the environment,
  // the episode or slot, the step and the number.
  absl::Status Run(const v1::RolloutRequest& request, const Policy& policy, const EmitResult& emit,
                   const Cancellation& cancellation);

  const v1::EnvironmentSpec& environment() const { return environments_.spec(); }

 private:
  explicit RolloutWorker(VectorEnvironment environments);

  VectorEnvironment environments_;
  Buffers buffers_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_ACTOR_ROLLOUT_WORKER_H_
