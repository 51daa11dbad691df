#include <gtest/gtest.h>

#include <vector>

#include "learner/algorithms/ppo/ppo_batch.h"

namespace understudy {
namespace {

// γ = 0.9, λ = 0.5: differences δ are discounted by 0.45.
constexpr AdvantageOptions kOptions{.gamma = 0.9, .lambda = 0.5};

std::vector<float> Advantages(const std::vector<float>& rewards, const std::vector<float>& values, bool terminated,
                              const AdvantageOptions& options = kOptions) {
  std::vector<float> advantages(rewards.size());
  EstimateAdvantages(rewards, values, terminated, options, advantages);
  return advantages;
}

void ExpectNear(const std::vector<float>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-6) << i;
}

TEST(Advantages, NothingIsBootstrappedAfterATermination) {
  // δ2 = 1 - 0.7 = 0.3, δ1 = 1 + 0.9 × 0.7 - 0.6 = 1.03, δ0 = 1 + 0.9 × 0.6 - 0.5 = 1.04.
  // A2 = 0.3, A1 = 1.03 + 0.45 × 0.3 = 1.165, A0 = 1.04 + 0.45 × 1.165 = 1.56425.
  ExpectNear(Advantages({1, 1, 1}, {0.5f, 0.6f, 0.7f, 0.8f}, true), {1.56425, 1.165, 0.3});
}

TEST(Advantages, TheFinalObservationIsBootstrappedFromAfterATruncationOrACut) {
  // δ2 = 1 + 0.9 × 0.8 - 0.7 = 1.02; A1 = 1.03 + 0.45 × 1.02 = 1.489, A0 = 1.04 + 0.45 × 1.489 = 1.71005.
  ExpectNear(Advantages({1, 1, 1}, {0.5f, 0.6f, 0.7f, 0.8f}, false), {1.71005, 1.489, 1.02});
}

TEST(Advantages, TheFinalValueDoesNotMatterAfterATermination) {
  EXPECT_EQ(Advantages({1, 2}, {3, 4, 5}, true), Advantages({1, 2}, {3, 4, -1000}, true));
  EXPECT_NE(Advantages({1, 2}, {3, 4, 5}, false), Advantages({1, 2}, {3, 4, -1000}, false));
}

TEST(Advantages, LambdaZeroGivesOneStepDifferences) {
  ExpectNear(Advantages({1, 2}, {3, 4, 5}, false, {.gamma = 0.5, .lambda = 0}), {1 + 2 - 3, 2 + 2.5 - 4});
}

TEST(Advantages, LambdaOneGivesReturnsLessValues) {
  // Return at 0: 1 + 0.5 × 2 + 0.25 × 4 = 3, at 1: 2 + 0.5 × 4 = 4, at 2: 4.
  ExpectNear(Advantages({1, 2, 4}, {0.5f, 1, 2, 9}, true, {.gamma = 0.5, .lambda = 1}), {2.5, 3, 2});
}

TEST(Advantages, OneStepIsATrajectoryToo) {
  ExpectNear(Advantages({2}, {0.5f, 10}, true), {1.5});
  ExpectNear(Advantages({2}, {0.5f, 10}, false), {10.5});
}

}  // namespace
}  // namespace understudy
