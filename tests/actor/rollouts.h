// Requests for a rollout worker, policies that it acts with, and what it answers.
#ifndef UNDERSTUDY_TESTS_ACTOR_ROLLOUTS_H_
#define UNDERSTUDY_TESTS_ACTOR_ROLLOUTS_H_

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "actor/rollout_worker.h"
#include "common/trajectory/dataset_content.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::testing {

inline constexpr int kWidth = 8;

inline Policy TestPolicy() { return Policy::FromSnapshot(*TestSnapshot("expert", 1)).value(); }

// Balances the pole for all 500 steps: pushes in the direction of angle + angular velocity (and a little of position
// and velocity), the linear controller that is known to solve the task.
inline Policy BalancingPolicy() {
  v1::PolicyHeader header = TestSnapshot("expert", 1)->header;
  header.mutable_network()->clear_hidden_sizes();
  header.mutable_network()->add_hidden_sizes(1);
  header.mutable_network()->set_activation("tanh");
  // One hidden unit, two logits, then the critic's unit and value.
  const float parameters[] = {0.02f, 0.06f, 1.0f, 0.5f, 0, -10, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  std::string bytes(sizeof(parameters), '\0');
  std::memcpy(bytes.data(), parameters, sizeof(parameters));
  return Policy::FromSnapshot(*MakeSnapshot(header, bytes)).value();
}

// Of policy "expert@1", without its work and purpose.
inline v1::RolloutRequest Request(v1::ActionMode mode) {
  v1::RolloutRequest request;
  request.set_id(7);
  request.set_policy("expert");
  request.set_policy_version(1);
  request.set_action_mode(mode);
  request.set_seed(5);
  return request;
}

inline v1::RolloutRequest Episodes(int64_t begin, int64_t end, v1::ActionMode mode = v1::ACTION_MODE_SAMPLE) {
  v1::RolloutRequest request = Request(mode);
  request.set_purpose(v1::ROLLOUT_PURPOSE_COLLECTION);
  request.mutable_episodes()->set_begin(begin);
  request.mutable_episodes()->set_end(end);
  return request;
}

inline v1::RolloutRequest Segments(int64_t begin, int64_t end, int64_t steps, std::vector<v1::SlotState> states = {}) {
  v1::RolloutRequest request = Request(v1::ACTION_MODE_SAMPLE);
  request.set_purpose(v1::ROLLOUT_PURPOSE_TRAINING);
  request.mutable_segments()->set_begin(begin);
  request.mutable_segments()->set_end(end);
  request.mutable_segments()->set_steps(steps);
  for (v1::SlotState& state : states) *request.mutable_segments()->add_states() = std::move(state);
  return request;
}

// What a new worker answers.
inline absl::StatusOr<std::vector<v1::RolloutResult>> RollOut(const v1::RolloutRequest& request, const Policy& policy,
                                                              int width = kWidth) {
  auto worker = RolloutWorker::Create(CartPoleSpec(), width);
  if (!worker.ok()) return worker.status();
  std::vector<v1::RolloutResult> results;
  const Cancellation cancellation;
  const auto keep = [&](v1::RolloutResult result) {
    results.push_back(std::move(result));
    return absl::OkStatus();
  };
  if (absl::Status status = worker->Run(request, policy, keep, cancellation); !status.ok()) return status;
  return results;
}

// Every episode's digest, by number.
inline std::map<int64_t, std::string> Digests(const std::vector<v1::RolloutResult>& results) {
  std::map<int64_t, std::string> digests;
  for (const v1::RolloutResult& result : results) {
    for (const TrajectoryView& view : ViewTrajectories(result.batch(), CartPoleSpec())) {
      EXPECT_TRUE(digests.emplace(view.trajectory->episode(), EpisodeDigest(view)).second);
    }
  }
  return digests;
}

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_ACTOR_ROLLOUTS_H_
