#include "learner/algorithms/bc/bc_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <vector>

#include "common/random/random_stream.h"

namespace understudy {
namespace {

TEST(CrossEntropy, IsTheNegativeLogProbabilityOfTheDemonstratedActions) {
  const std::vector<float> logits = {0, std::log(3.0f), 5, 5};  // probabilities 1/4, 3/4 and 1/2, 1/2
  const std::vector<int32_t> actions = {1, 1};
  std::vector<float> gradients(4);
  const BcLoss loss = CrossEntropy({.logits = logits, .values = {}}, {.actions = actions, .logits = {}, .values = {}},
                                   2, {.logits = gradients, .values = {}});
  EXPECT_NEAR(loss.loss, (std::log(4.0 / 3) + std::log(2.0)) / 2, 1e-6);
  EXPECT_EQ(loss.accuracy, 0.5);  // a tie is for action 0
  EXPECT_NEAR(gradients[0], 0.25 / 2, 1e-6);
  EXPECT_NEAR(gradients[1], -0.25 / 2, 1e-6);
  EXPECT_NEAR(gradients[2], 0.5 / 2, 1e-6);
  EXPECT_NEAR(gradients[3], -0.5 / 2, 1e-6);
}

TEST(Distillation, IsQuadraticNearTheTeacherAndLinearFarAway) {
  const std::vector<float> logits = {1.5f, 4.0f};
  const std::vector<float> values = {3.0f};
  const std::vector<int32_t> actions = {1};
  const std::vector<float> teacher_logits = {1.0f, 1.0f};
  const std::vector<float> teacher_values = {1.0f};
  std::vector<float> logit_gradients(2), value_gradients(1);
  const BcLoss loss = Distillation({.logits = logits, .values = values},
                                   {.actions = actions, .logits = teacher_logits, .values = teacher_values}, 1, 0.25,
                                   {.logits = logit_gradients, .values = value_gradients});
  EXPECT_NEAR(loss.loss, (0.5 * 0.25 + 2.5) / 2 + 0.25 * 4, 1e-6);
  EXPECT_EQ(loss.accuracy, 1);
  EXPECT_NEAR(logit_gradients[0], 0.5 / 2, 1e-6);
  EXPECT_NEAR(logit_gradients[1], 1.0 / 2, 1e-6);
  EXPECT_NEAR(value_gradients[0], 0.25 * 2 * 2, 1e-6);
}

TEST(BcLosses, WithoutGradientsTheLossIsTheSame) {
  const std::vector<float> logits = {0.3f, -1, 2, 0}, values = {1, -2};
  const std::vector<int32_t> actions = {0, 1};
  const std::vector<float> teacher_logits = {1, 2, 3, 4}, teacher_values = {0, 1};
  const NetworkOutput output{.logits = logits, .values = values};
  const BcSamples samples{.actions = actions, .logits = teacher_logits, .values = teacher_values};
  std::vector<float> logit_gradients(4), value_gradients(2);
  const NetworkGradients gradients{.logits = logit_gradients, .values = value_gradients};
  EXPECT_EQ(CrossEntropy(output, samples, 2, gradients).loss, CrossEntropy(output, samples, 2, {}).loss);
  EXPECT_EQ(Distillation(output, samples, 2, 1, gradients).loss, Distillation(output, samples, 2, 1, {}).loss);
}

TEST(BcLosses, PartsOfAMinibatchAddUpToIt) {
  const std::vector<float> logits = {0.3f, -1, 2, 0, 1, 1}, values = {1, -2, 3};
  const std::vector<int32_t> actions = {0, 1, 1};
  const std::vector<float> teacher_logits = {1, 2, 3, 4, 5, 6}, teacher_values = {0, 1, 2};
  const BcSamples samples{.actions = actions, .logits = teacher_logits, .values = teacher_values};
  const auto loss = [&](size_t first, size_t count, bool distillation) {
    const NetworkOutput output{.logits = std::span(logits).subspan(2 * first, 2 * count),
                               .values = std::span(values).subspan(first, count)};
    return distillation ? Distillation(output, samples.Part(first, count), 3, 0.5, {})
                        : CrossEntropy(output, samples.Part(first, count), 3, {});
  };
  for (const bool distillation : {false, true}) {
    BcLoss parts = loss(0, 1, distillation);
    parts += loss(1, 2, distillation);
    EXPECT_NEAR(parts.loss, loss(0, 3, distillation).loss, 1e-12);
    EXPECT_NEAR(parts.accuracy, loss(0, 3, distillation).accuracy, 1e-12);
  }
}

TEST(BcLosses, GradientsAreThoseOfFiniteDifferences) {
  RandomStream random(4, RandomPurpose::kCollectionReset, 0, 0);
  std::vector<float> logits(30), values(10), teacher_logits(30), teacher_values(10);
  std::vector<int32_t> actions(10);
  for (auto* numbers : {&logits, &values, &teacher_logits, &teacher_values}) {
    for (float& number : *numbers) number = static_cast<float>(random.Normal());
  }
  for (int32_t& action : actions) action = static_cast<int32_t>(random.Below(3));
  const BcSamples samples{.actions = actions, .logits = teacher_logits, .values = teacher_values};
  for (const bool distillation : {false, true}) {
    const auto loss = [&](const NetworkGradients& gradients) {
      const NetworkOutput output{.logits = logits, .values = values};
      return (distillation ? Distillation(output, samples, 10, 0.5, gradients)
                           : CrossEntropy(output, samples, 10, gradients))
          .loss;
    };
    std::vector<float> logit_gradients(30), value_gradients(10);
    loss({.logits = logit_gradients, .values = value_gradients});
    const auto check = [&](std::vector<float>& numbers, const std::vector<float>& gradients) {
      for (size_t i = 0; i < numbers.size(); ++i) {
        const float before = numbers[i];
        numbers[i] = before + 1e-3f;
        const double above = loss({});
        numbers[i] = before - 1e-3f;
        const double below = loss({});
        numbers[i] = before;
        EXPECT_NEAR(gradients[i], (above - below) / 2e-3, 1e-4) << distillation << i;
      }
    };
    check(logits, logit_gradients);
    check(values, value_gradients);
  }
}

}  // namespace
}  // namespace understudy
