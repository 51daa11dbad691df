// What a rollout worker refuses, and which numbers it does not pass on.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "actor/rollout_worker.h"
#include "tests/actor/rollouts.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::understudy::testing::BalancingPolicy;
using ::understudy::testing::CartPoleSpec;
using ::understudy::testing::Episodes;
using ::understudy::testing::kWidth;
using ::understudy::testing::RollOut;
using ::understudy::testing::Segments;
using ::understudy::testing::TestPolicy;

TEST(RolloutWorker, RefusesALatencyOutOfBounds) {
  v1::EnvironmentSpec slow = CartPoleSpec();
  for (const int64_t latency : {int64_t{-1}, int64_t{10'000'001}, std::numeric_limits<int64_t>::max()}) {
    slow.set_step_latency_us(latency);
    EXPECT_TRUE(absl::IsInvalidArgument(RolloutWorker::Create(slow, kWidth).status())) << latency;
  }
}

TEST(RolloutWorker, RefusesAnEnvironmentThatIsNotItsOwn) {
  v1::EnvironmentSpec unknown = CartPoleSpec();
  unknown.set_name("Chess-v1");
  EXPECT_TRUE(absl::IsNotFound(RolloutWorker::Create(unknown, kWidth).status()));
  v1::EnvironmentSpec other = CartPoleSpec();
  other.set_max_episode_steps(501);
  const absl::Status status = RolloutWorker::Create(other, kWidth).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("at most 501 steps"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("at most 500 steps"), absl::string_view::npos) << status;
}

TEST(RolloutWorker, RefusesAWidthOutOfBounds) {
  for (const int width : {-1, 0, kMaxInferenceWidth + 1}) {
    EXPECT_TRUE(absl::IsInvalidArgument(RolloutWorker::Create(CartPoleSpec(), width).status())) << width;
  }
}

TEST(RolloutWorker, RefusesASlotStateThatNoEnvironmentSaved) {
  v1::SlotState state;
  state.set_environment("nonsense");
  const absl::Status status = RollOut(Segments(0, 1, 8, {state}), TestPolicy()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("slot 0"), absl::string_view::npos) << status;
}

TEST(RolloutWorker, NamesAPolicyWhoseOutputIsNotFinite) {
  Policy policy = TestPolicy();
  std::ranges::fill(policy.parameters(), std::numeric_limits<float>::quiet_NaN());
  const absl::Status status = RollOut(Episodes(0, 1), policy).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(status.message(), "CartPole-v1, episode 0, step 0: logits[0] of policy expert@1 is nan");
}

TEST(RolloutWorker, NamesTheNumberThatIsNotFinite) {
  Policy logits = BalancingPolicy();
  logits.parameters()[8] = -std::numeric_limits<float>::infinity();  // the second logit's bias
  EXPECT_EQ(RollOut(Segments(3, 4, 8), logits).status().message(),
            "CartPole-v1, slot 3, step 0: logits[1] of policy expert@1 is -inf");

  Policy value = BalancingPolicy();
  value.parameters()[15] = std::numeric_limits<float>::infinity();  // the value's bias
  v1::RolloutRequest request = Episodes(5, 6);
  request.add_record(v1::RECORD_VALUE);
  EXPECT_EQ(RollOut(request, value).status().message(),
            "CartPole-v1, episode 5, step 0: value of policy expert@1 is inf");
}

}  // namespace
}  // namespace understudy
