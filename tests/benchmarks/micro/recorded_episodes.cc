#include "tests/benchmarks/micro/recorded_episodes.h"

#include <cstdlib>
#include <memory>
#include <utility>

#include "actor/rollout_worker.h"
#include "tests/testing/training_inputs.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::benchmarks {
namespace {

v1::TrajectoryBatch Record() {
  const std::shared_ptr<const PolicySnapshot> expert = testing::BalancingExpert();
  v1::RolloutRequest request;
  request.set_policy(expert->header.name());
  request.set_policy_version(expert->header.version());
  request.set_action_mode(v1::ACTION_MODE_SAMPLE);
  request.set_purpose(v1::ROLLOUT_PURPOSE_COLLECTION);
  request.mutable_episodes()->set_end(32);
  v1::TrajectoryBatch recorded;
  const auto keep = [&](v1::RolloutResult result) {
    recorded = std::move(*result.mutable_batch());
    return absl::OkStatus();
  };
  const Policy policy = Policy::FromSnapshot(*expert).value();
  const Cancellation never;
  RolloutWorker worker = RolloutWorker::Create(testing::CartPoleSpec(), /*width=*/32).value();
  if (!worker.Run(request, policy, keep, never).ok() || recorded.trajectories_size() != 32) std::abort();
  return recorded;
}

}  // namespace

const v1::TrajectoryBatch& RecordedEpisodes() {
  static const v1::TrajectoryBatch* const kRecorded = new v1::TrajectoryBatch(Record());
  return *kRecorded;
}

BatchExpectation RecordedExpectation() {
  return {.environment = testing::CartPoleSpec(),
          .policy = RecordedEpisodes().policy(),
          .policy_version = RecordedEpisodes().policy_version(),
          .action_mode = RecordedEpisodes().action_mode()};
}

int64_t CountTransitions(const v1::TrajectoryBatch& batch) {
  int64_t transitions = 0;
  for (const v1::Trajectory& trajectory : batch.trajectories()) transitions += trajectory.steps();
  return transitions;
}

}  // namespace understudy::benchmarks
