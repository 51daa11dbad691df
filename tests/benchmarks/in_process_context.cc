#include "tests/benchmarks/in_process_context.h"

#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "common/policy/policy.h"

namespace understudy::benchmarks {

absl::Status InProcessContext::Start(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> snapshot,
                                     bool /*background*/) {
  const absl::StatusOr<Policy> policy = Policy::FromSnapshot(*snapshot);
  if (!policy.ok()) return policy.status();
  const auto accept = [&](v1::RolloutResult result) { return order->Accept(std::move(result)).status(); };
  for (uint64_t id = 1; !order->done(); ++id) {
    std::optional<v1::RolloutRequest> request = order->Next(id, /*actors=*/1);
    if (!request.has_value()) return absl::InternalError("the order asks for nothing and is not done");
    request->set_id(id);
    if (absl::Status status = worker_.Run(*request, *policy, accept, never_); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<Demonstrations> InProcessContext::ReadDemonstrations() {
  return absl::UnimplementedError("there are no demonstrations here");
}

absl::Status InProcessContext::Report(const v1::StageProgress& progress) {
  reports_.push_back(progress);
  return absl::OkStatus();
}

}  // namespace understudy::benchmarks
