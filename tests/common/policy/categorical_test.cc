#include "common/policy/categorical.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace understudy {
namespace {

// Softmax of (0, log 2, log 5): probabilities 1/8, 2/8, 5/8.
const std::vector<float> kLogits = {0.0f, std::log(2.0f), std::log(5.0f)};

TEST(Categorical, SamplesEachActionInItsShareOfTheUnitInterval) {
  EXPECT_EQ(SampleAction(kLogits, 0.0).action, 0);
  EXPECT_EQ(SampleAction(kLogits, 0.1249).action, 0);
  EXPECT_EQ(SampleAction(kLogits, 0.1251).action, 1);
  EXPECT_EQ(SampleAction(kLogits, 0.3749).action, 1);
  EXPECT_EQ(SampleAction(kLogits, 0.3751).action, 2);
  EXPECT_EQ(SampleAction(kLogits, std::nextafter(1.0, 0.0)).action, 2);
}

TEST(Categorical, EvenlySpacedNumbersGiveTheExactFrequencies) {
  constexpr int kDraws = 80000;
  std::vector<int> counts(3);
  for (int i = 0; i < kDraws; ++i) ++counts[SampleAction(kLogits, (i + 0.5) / kDraws).action];
  EXPECT_NEAR(counts[0], kDraws / 8, 1);
  EXPECT_NEAR(counts[1], kDraws / 4, 1);
  EXPECT_NEAR(counts[2], kDraws * 5 / 8, 1);
}

TEST(Categorical, LogProbabilitiesAreThoseOfTheSoftmax) {
  EXPECT_NEAR(LogProbability(kLogits, 0), std::log(0.125), 1e-7);
  EXPECT_NEAR(LogProbability(kLogits, 1), std::log(0.25), 1e-7);
  EXPECT_NEAR(LogProbability(kLogits, 2), std::log(0.625), 1e-7);
  EXPECT_NEAR(LogSumExp(kLogits), std::log(8.0), 1e-7);
}

TEST(Categorical, ASampledActionComesWithItsLogProbability) {
  for (const std::vector<float>& logits : {kLogits, {0.3f, 0.3f}, {-2.5f, 7.25f}, {1.5f}, {80.0f, -20.0f, 79.0f}}) {
    for (const double uniform : {0.0, 0.2, 0.4, 0.8, std::nextafter(1.0, 0.0)}) {
      const SampledAction sampled = SampleAction(logits, uniform);
      EXPECT_EQ(sampled.log_probability, LogProbability(logits, sampled.action));
    }
  }
}

TEST(Categorical, AddingAConstantToAllLogitsChangesNothing) {
  const std::vector<float> shifted = {1000.0f, 1001.0f};
  EXPECT_NEAR(LogProbability(shifted, 0), -1.3132616875182228, 1e-12);
  EXPECT_NEAR(LogProbability(shifted, 1), -0.3132616875182228, 1e-12);
}

TEST(Categorical, ExtremeLogitsStayFinite) {
  const std::vector<float> extreme = {-3e38f, 3e38f, 0.0f};
  for (const double uniform : {0.0, 0.5, std::nextafter(1.0, 0.0)}) EXPECT_EQ(SampleAction(extreme, uniform).action, 1);
  EXPECT_EQ(GreedyAction(extreme), 1);
  EXPECT_EQ(LogProbability(extreme, 1), 0.0);
  EXPECT_TRUE(std::isfinite(LogProbability(extreme, 0)));
  EXPECT_LT(LogProbability(extreme, 0), -1e38);
}

TEST(Categorical, AnActionWithoutProbabilityIsNeverSampled) {
  const std::vector<float> logits = {-1e30f, 0.0f, -1e30f};
  EXPECT_EQ(SampleAction(logits, 0.0).action, 1);
  EXPECT_EQ(SampleAction(logits, std::nextafter(1.0, 0.0)).action, 1);
}

TEST(Categorical, GreedyTiesGoToTheLowestIndex) {
  EXPECT_EQ(GreedyAction(std::vector<float>{0.5f, 0.5f}), 0);
  EXPECT_EQ(GreedyAction(std::vector<float>{-1.0f, 2.0f, 2.0f}), 1);
  EXPECT_EQ(GreedyAction(std::vector<float>{0.0f, -0.0f}), 0);
}

TEST(Categorical, OneActionIsCertain) {
  const std::vector<float> logits = {-7.0f};
  EXPECT_EQ(SampleAction(logits, 0.999).action, 0);
  EXPECT_EQ(GreedyAction(logits), 0);
  EXPECT_EQ(LogProbability(logits, 0), 0.0);
}

}  // namespace
}  // namespace understudy
