#include "actor/rollout_worker.h"

#include <utility>

#include "absl/status/status.h"
#include "actor/request_check.h"

namespace understudy {

absl::StatusOr<RolloutWorker> RolloutWorker::Create(const v1::EnvironmentSpec& environment, int width) {
  auto environments = VectorEnvironment::Create(environment, width);
  if (!environments.ok()) return environments.status();
  return RolloutWorker(*std::move(environments));
}

RolloutWorker::RolloutWorker(VectorEnvironment environments) : environments_(std::move(environments)) {}

absl::Status RolloutWorker::Run(const v1::RolloutRequest& request, const Policy& policy, const EmitResult& emit,
                                const Cancellation& cancellation) {
  if (absl::Status status = CheckRequest(request, policy.header(), environment()); !status.ok()) return status;
  return RolloutRun(request, policy, environments_, buffers_, emit).Run(cancellation);
}

}  // namespace understudy
