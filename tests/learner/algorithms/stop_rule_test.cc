#include "learner/algorithms/stop_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "tests/testing/fake_training_context.h"
#include "tests/testing/training_inputs.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using testing::BalancingExpert;
using testing::CartPoleTraining;
using ::testing::ElementsAre;
using testing::FakeTrainingContext;

StopRule MakeRule(const std::string& stop) {
  const TrainingInput input = CartPoleTraining("algorithm: 'ppo' seed: 3 " + stop);
  return StopRule(input.stage, input.environment);
}

std::shared_ptr<const PolicySnapshot> Fresh(int64_t version) {
  return Policy::Create(testing::CartPoleHeader("hidden_sizes: [8]"), 0)->Snapshot("expert", version);
}

v1::StageProgress ReportOf(int64_t iteration) {
  v1::StageProgress report;
  report.set_iteration(iteration);
  report.set_steps(10 * iteration);
  return report;
}

TrainingOutput OutputOf(std::shared_ptr<const PolicySnapshot> policy) {
  TrainingOutput output{.policy = std::move(policy), .result = {}};
  output.result.set_iterations(output.policy->header.version());
  return output;
}

// An iteration that makes version `iteration` of a policy.
absl::Status Iterate(StopRule& rule, FakeTrainingContext& context, int64_t iteration,
                     const std::shared_ptr<const PolicySnapshot>& policy) {
  return rule.AfterIteration(ReportOf(iteration), OutputOf(WithVersion(*policy, "expert", iteration)), context);
}

std::vector<int64_t> Reported(const FakeTrainingContext& context) {
  std::vector<int64_t> iterations;
  for (const v1::StageProgress& report : context.reports) iterations.push_back(report.iteration());
  return iterations;
}

TEST(StopRule, EvaluatesWhatTrainingComesToInTheEnd) {
  FakeTrainingContext context;
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 70 }");
  const TrainingOutput output = *rule.Conclude(absl::OkStatus(), OutputOf(BalancingExpert()), context);
  EXPECT_TRUE(rule.reached());
  EXPECT_TRUE(output.result.converged());
  EXPECT_GE(output.result.mean_return(), 475);
  EXPECT_EQ(output.result.evaluation_episodes(), 70);
  EXPECT_EQ(rule.state().steps(), static_cast<int64_t>(output.result.mean_return() * 70 + 0.5));  // a step is worth 1
}

TEST(StopRule, IsNotReachedByAFreshPolicy) {
  FakeTrainingContext context;
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 5 }");
  const TrainingOutput output = *rule.Conclude(absl::OkStatus(), OutputOf(Fresh(1)), context);
  EXPECT_FALSE(rule.reached());
  EXPECT_FALSE(output.result.converged());
  EXPECT_EQ(output.result.evaluation_episodes(), 5);
  EXPECT_GT(output.result.mean_return(), 5);
  EXPECT_LT(output.result.mean_return(), 475);
}

TEST(StopRule, AsksForGreedyEpisodesOfThatVersionUnderAPurposeAndSeedOfItsOwn) {
  FakeTrainingContext context;
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 3 interval: 1 }");
  ASSERT_TRUE(Iterate(rule, context, 7, Fresh(1)).ok());
  ASSERT_TRUE(Iterate(rule, context, 8, Fresh(1)).ok());
  ASSERT_TRUE(rule.FinishEvaluation(context).ok());
  ASSERT_EQ(context.requests.size(), 2u);
  EXPECT_EQ(context.requests[0].action_mode(), v1::ACTION_MODE_GREEDY);
  EXPECT_EQ(context.requests[0].purpose(), v1::ROLLOUT_PURPOSE_STOP_RULE);
  EXPECT_EQ(context.requests[0].policy(), "expert");
  EXPECT_EQ(context.requests[0].policy_version(), 7);
  EXPECT_NE(context.requests[0].seed(), 3u);
  EXPECT_NE(context.requests[0].seed(), context.requests[1].seed());
}

TEST(StopRule, EvaluatesNoVersionTwice) {
  FakeTrainingContext context;
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 3 interval: 2 }");
  ASSERT_TRUE(Iterate(rule, context, 2, Fresh(1)).ok());
  ASSERT_TRUE(rule.Conclude(absl::OkStatus(), OutputOf(Fresh(2)), context).ok());
  EXPECT_EQ(context.requests.size(), 1u);
}

// With actors that are done at once, and with ones that take until somebody waits for them.
class StopRuleBesideTraining : public ::testing::TestWithParam<bool> {
 protected:
  StopRuleBesideTraining() { context_.actors_are_quick = GetParam(); }
  FakeTrainingContext context_;
};

TEST_P(StopRuleBesideTraining, ReportsEveryIterationInOrderWithItsEvaluation) {
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 3 interval: 3 }");
  for (int64_t iteration = 1; iteration <= 7; ++iteration) {
    ASSERT_TRUE(Iterate(rule, context_, iteration, Fresh(1)).ok());
  }
  ASSERT_TRUE(rule.Conclude(absl::OkStatus(), OutputOf(Fresh(7)), context_).ok());
  EXPECT_THAT(Reported(context_), ElementsAre(1, 2, 3, 4, 5, 6, 7));
  for (const v1::StageProgress& report : context_.reports) {
    EXPECT_EQ(report.metrics().contains("evaluation_mean_return"), report.iteration() % 3 == 0) << report.iteration();
    // From then on with the evaluations'.
    EXPECT_EQ(report.steps() > 10 * report.iteration(), report.iteration() >= 3) << report.iteration();
  }
}

TEST_P(StopRuleBesideTraining, TheEvaluatedIterationIsTheLastAndWhatCameAfterItNeverWas) {
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 20 interval: 2 }");
  int64_t iteration = 1;
  for (; iteration <= 4 && !rule.reached(); ++iteration) {
    ASSERT_TRUE(Iterate(rule, context_, iteration, iteration == 2 ? BalancingExpert() : Fresh(1)).ok());
  }
  const TrainingOutput output = *rule.Conclude(absl::OkStatus(), OutputOf(Fresh(iteration)), context_);
  EXPECT_TRUE(output.result.converged());
  EXPECT_EQ(output.policy->header.version(), 2);
  EXPECT_EQ(output.result.iterations(), 2);
  EXPECT_THAT(Reported(context_), ElementsAre(1, 2));
}

TEST_P(StopRuleBesideTraining, WhatFailsAfterTheEvaluatedIterationNeverWas) {
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 20 interval: 2 }");
  ASSERT_TRUE(Iterate(rule, context_, 2, BalancingExpert()).ok());
  const absl::Status diverged = absl::InternalError("diverged");
  const TrainingOutput output = *rule.Conclude(diverged, OutputOf(Fresh(3)), context_);
  EXPECT_EQ(output.policy->header.version(), 2);
  EXPECT_TRUE(output.result.converged());
}

TEST_P(StopRuleBesideTraining, WhatFailsWhereTheRuleWasNotReachedFails) {
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 3 interval: 2 }");
  ASSERT_TRUE(Iterate(rule, context_, 2, Fresh(1)).ok());
  const absl::Status diverged = absl::InternalError("diverged");
  EXPECT_EQ(rule.Conclude(diverged, OutputOf(Fresh(3)), context_).status(), diverged);
  EXPECT_THAT(Reported(context_), ElementsAre(2));
}

INSTANTIATE_TEST_SUITE_P(Actors, StopRuleBesideTraining, ::testing::Bool(),
                         [](const auto& test) { return test.param ? "AreQuick" : "AreSlow"; });

TEST(StopRule, CountsWhatWasAcceptedAfterTheEvaluatedIterationAsSuperseded) {
  FakeTrainingContext context;
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 20 interval: 2 }");
  ASSERT_TRUE(Iterate(rule, context, 2, BalancingExpert()).ok());
  // Episodes that training went on with.
  auto order = std::make_shared<EpisodeOrder>(EpisodeOrderOptions{
      .expectation = {.environment = testing::CartPoleSpec(), .policy = "expert", .policy_version = 1},
      .purpose = v1::ROLLOUT_PURPOSE_COLLECTION,
      .episodes = 7});
  ASSERT_TRUE(context.RollOut(order, BalancingExpert()).ok());
  EXPECT_EQ(rule.Conclude(absl::OkStatus(), OutputOf(Fresh(3)), context)->superseded_trajectories, 7);
}

TEST(StopRule, WithoutARuleNothingIsEvaluatedAndNothingConverges) {
  FakeTrainingContext context;
  StopRule rule = MakeRule("");
  ASSERT_TRUE(Iterate(rule, context, 1, BalancingExpert()).ok());
  const TrainingOutput output = *rule.Conclude(absl::OkStatus(), OutputOf(BalancingExpert()), context);
  EXPECT_TRUE(context.requests.empty());
  EXPECT_THAT(Reported(context), ElementsAre(1));
  EXPECT_FALSE(output.result.converged());
  EXPECT_EQ(output.result.evaluation_episodes(), 0);
}

TEST(StopRule, PassesTheContextsErrorOn) {
  FakeTrainingContext context;
  context.calls_until_cancelled = 0;
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 3 }");
  EXPECT_EQ(rule.Conclude(absl::OkStatus(), OutputOf(BalancingExpert()), context).status().code(),
            absl::StatusCode::kCancelled);
  EXPECT_FALSE(rule.reached());
}

TEST(StopRule, ACancelledStageIsNotEvaluated) {
  FakeTrainingContext context;
  StopRule rule = MakeRule("stop { mean_return: 475 episodes: 3 interval: 1 }");
  ASSERT_TRUE(Iterate(rule, context, 1, BalancingExpert()).ok());
  EXPECT_TRUE(
      absl::IsCancelled(rule.Conclude(absl::CancelledError("x"), OutputOf(BalancingExpert()), context).status()));
  EXPECT_TRUE(context.requests.empty());
}

}  // namespace
}  // namespace understudy
