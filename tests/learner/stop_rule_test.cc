#include "learner/stop_rule.h"

#include <gtest/gtest.h>

#include "tests/testing/fake_training_context.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using testing::BalancingExpert;
using testing::CartPoleTraining;
using testing::FakeTrainingContext;

StopRule MakeRule(const std::string& stop) {
  const TrainingInput input = CartPoleTraining("algorithm: 'ppo' seed: 3 " + stop);
  return StopRule(input.stage, input.environment);
}

TEST(StopRule, IsReachedByAPolicyThatBalances) {
  FakeTrainingContext context;
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 70 }");
  EXPECT_FALSE(rule.reached());
  ASSERT_TRUE(rule.Evaluate(BalancingExpert(), context).ok());
  EXPECT_TRUE(rule.reached());
  v1::TrainResult result;
  rule.FillIn(result);
  EXPECT_TRUE(result.converged());
  EXPECT_GE(result.mean_return(), 475);
  EXPECT_EQ(result.evaluation_episodes(), 70);
  EXPECT_EQ(rule.steps(), static_cast<int64_t>(result.mean_return() * 70 + 0.5));  // every step is worth 1
}

TEST(StopRule, IsNotReachedByAFreshPolicy) {
  FakeTrainingContext context;
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 5 }");
  const Policy fresh = *Policy::Create(testing::CartPoleHeader("hidden_sizes: [8]"), 0);
  ASSERT_TRUE(rule.Evaluate(fresh.Snapshot("expert", 1), context).ok());
  EXPECT_FALSE(rule.reached());
  EXPECT_EQ(rule.last().episodes, 5);
  EXPECT_GT(rule.last().mean_return, 5);
  EXPECT_LT(rule.last().mean_return, 475);
}

TEST(StopRule, AsksForGreedyEpisodesOfThatVersionUnderASeedOfItsOwn) {
  FakeTrainingContext context;
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 3 }");
  ASSERT_TRUE(rule.Evaluate(WithVersion(*BalancingExpert(), "expert", 7), context).ok());
  ASSERT_TRUE(rule.Evaluate(WithVersion(*BalancingExpert(), "expert", 8), context).ok());
  ASSERT_EQ(context.requests.size(), 2u);
  EXPECT_EQ(context.requests[0].action_mode(), v1::ACTION_MODE_GREEDY);
  EXPECT_EQ(context.requests[0].policy(), "expert");
  EXPECT_EQ(context.requests[0].policy_version(), 7);
  EXPECT_NE(context.requests[0].seed(), 3u);
  EXPECT_NE(context.requests[0].seed(), context.requests[1].seed());
}

TEST(StopRule, EvaluatesNoVersionTwice) {
  FakeTrainingContext context;
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 3 }");
  ASSERT_TRUE(rule.Evaluate(BalancingExpert(), context).ok());
  ASSERT_TRUE(rule.Evaluate(BalancingExpert(), context).ok());
  EXPECT_EQ(context.requests.size(), 1u);
}

TEST(StopRule, IsDueAfterEveryInterval) {
  const StopRule rule = MakeRule("stop { mean_return: 475 interval: 3 }");
  EXPECT_FALSE(rule.DueAfter(1));
  EXPECT_FALSE(rule.DueAfter(2));
  EXPECT_TRUE(rule.DueAfter(3));
  EXPECT_FALSE(rule.DueAfter(4));
  EXPECT_TRUE(rule.DueAfter(6));
}

TEST(StopRule, WithoutARuleNothingIsEvaluatedAndNothingConverges) {
  FakeTrainingContext context;
  StopRule rule = MakeRule("");
  EXPECT_FALSE(rule.DueAfter(1));
  ASSERT_TRUE(rule.Evaluate(BalancingExpert(), context).ok());
  EXPECT_TRUE(context.requests.empty());
  v1::TrainResult result;
  rule.FillIn(result);
  EXPECT_FALSE(result.converged());
  EXPECT_EQ(result.evaluation_episodes(), 0);
}

TEST(StopRule, PassesTheContextsErrorOn) {
  FakeTrainingContext context;
  context.calls_until_cancelled = 0;
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 3 }");
  EXPECT_EQ(rule.Evaluate(BalancingExpert(), context).code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(rule.reached());
}

}  // namespace
}  // namespace understudy
