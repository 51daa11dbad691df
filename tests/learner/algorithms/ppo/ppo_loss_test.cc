#include "learner/algorithms/ppo/ppo_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "common/random/random_stream.h"

namespace understudy {
namespace {

struct Data {
  std::vector<int32_t> actions;
  std::vector<float> log_probs, values, advantages, returns;
  PpoSamples samples() const { return {actions, log_probs, values, advantages, returns}; }
};

struct Result {
  PpoLoss loss;
  std::vector<float> logit_gradients, value_gradients;
};

Result Compute(const std::vector<float>& logits, const std::vector<float>& values, const Data& data,
               const PpoLossOptions& options) {
  Result result{.loss = {},
                .logit_gradients = std::vector<float>(logits.size()),
                .value_gradients = std::vector<float>(values.size())};
  result.loss = ComputePpoLoss({.logits = logits, .values = values}, data.samples(), values.size(), options,
                               {.logits = result.logit_gradients, .values = result.value_gradients});
  return result;
}

double Total(const PpoLoss& loss, const PpoLossOptions& options) {
  return loss.policy_loss + options.value_coefficient * loss.value_loss - options.entropy_coefficient * loss.entropy;
}

// One sample of two equally probable actions, taken with probability exp(log_prob) by the behaviour policy.
Data OneSample(double behaviour_probability, float advantage) {
  return {{0}, {static_cast<float>(std::log(behaviour_probability))}, {1.0f}, {advantage}, {3.0f}};
}

TEST(PpoLoss, AnUnchangedPolicyLosesItsAdvantage) {
  const Result result = Compute({0, 0}, {1}, OneSample(0.5, 2), {});
  EXPECT_NEAR(result.loss.policy_loss, -2, 1e-6);
  EXPECT_NEAR(result.loss.value_loss, 4, 1e-6);
  EXPECT_NEAR(result.loss.entropy, std::log(2.0), 1e-6);
  EXPECT_NEAR(result.loss.approximate_kl, 0, 1e-6);
  EXPECT_EQ(result.loss.clip_fraction, 0);
  EXPECT_NEAR(result.logit_gradients[0], -1, 1e-6);  // -A (1 - p)
  EXPECT_NEAR(result.logit_gradients[1], 1, 1e-6);
  EXPECT_NEAR(result.value_gradients[0], -2, 1e-6);  // 0.5 × 2 × (1 - 3)
}

TEST(PpoLoss, AGoodActionGainsNothingBeyondTheClip) {
  const Result result = Compute({0, 0}, {1}, OneSample(0.4, 2), {.clip = 0.2});  // ratio 1.25
  EXPECT_NEAR(result.loss.policy_loss, -1.2 * 2, 1e-6);
  EXPECT_EQ(result.loss.clip_fraction, 1);
  EXPECT_NEAR(result.loss.approximate_kl, 0.25 - std::log(1.25), 1e-6);
  EXPECT_EQ(result.logit_gradients[0], 0);
}

TEST(PpoLoss, ABadActionThatBecameMoreProbableIsNotProtectedByTheClip) {
  const Result result = Compute({0, 0}, {1}, OneSample(0.4, -2), {.clip = 0.2});  // ratio 1.25
  EXPECT_NEAR(result.loss.policy_loss, 2.5, 1e-6);
  EXPECT_NEAR(result.logit_gradients[0], 2.5 * 0.5, 1e-6);
}

TEST(PpoLoss, ABadActionIsPushedNoFurtherBelowTheClip) {
  const Result result = Compute({0, 0}, {1}, OneSample(0.8, -2), {.clip = 0.2});  // ratio 0.625
  EXPECT_NEAR(result.loss.policy_loss, 1.6, 1e-6);
  EXPECT_EQ(result.logit_gradients[0], 0);
}

TEST(PpoLoss, ValueClippingTakesTheLargerError) {
  Data data = OneSample(0.5, 0);  // the behaviour policy's value is 1, the return 3
  const PpoLossOptions options{.value_clip = 0.5};
  EXPECT_NEAR(Compute({0, 0}, {2.5f}, data, options).loss.value_loss, 2.25, 1e-6);  // held at 1.5
  EXPECT_EQ(Compute({0, 0}, {2.5f}, data, options).value_gradients[0], 0);
  EXPECT_NEAR(Compute({0, 0}, {0.0f}, data, options).loss.value_loss, 9, 1e-6);  // further away than held at 0.5
  EXPECT_NEAR(Compute({0, 0}, {0.0f}, data, options).value_gradients[0], -3, 1e-6);
}

Data RandomSamples(RandomStream& random, size_t count, size_t actions) {
  Data data;
  for (size_t i = 0; i < count; ++i) {
    data.actions.push_back(static_cast<int32_t>(random.Below(static_cast<uint32_t>(actions))));
    data.log_probs.push_back(static_cast<float>(random.Uniform(-2, -0.5)));
    data.values.push_back(static_cast<float>(random.Normal()));
    data.advantages.push_back(static_cast<float>(random.Normal()));
    data.returns.push_back(static_cast<float>(random.Normal()));
  }
  return data;
}

TEST(PpoLoss, PartsOfAMinibatchAddUpToIt) {
  RandomStream random(5, RandomPurpose::kCollectionReset, 0, 0);
  constexpr size_t kCount = 10;
  const Data data = RandomSamples(random, kCount, 2);
  std::vector<float> logits(2 * kCount), values(kCount);
  for (float& logit : logits) logit = static_cast<float>(random.Normal());
  const PpoLossOptions options{.clip = 0.2, .entropy_coefficient = 0.1};
  const Result whole = Compute(logits, values, data, options);
  Result parts{
      .loss = {}, .logit_gradients = std::vector<float>(2 * kCount), .value_gradients = std::vector<float>(kCount)};
  for (const auto& [first, count] : {std::pair<size_t, size_t>(0, 4), std::pair<size_t, size_t>(4, 6)}) {
    parts.loss += ComputePpoLoss(
        {.logits = std::span(logits).subspan(2 * first, 2 * count), .values = std::span(values).subspan(first, count)},
        data.samples().Part(first, count), kCount, options,
        {.logits = std::span(parts.logit_gradients).subspan(2 * first, 2 * count),
         .values = std::span(parts.value_gradients).subspan(first, count)});
  }
  EXPECT_EQ(parts.logit_gradients, whole.logit_gradients);
  EXPECT_EQ(parts.value_gradients, whole.value_gradients);
  EXPECT_NEAR(Total(parts.loss, options), Total(whole.loss, options), 1e-12);
  EXPECT_NEAR(parts.loss.approximate_kl, whole.loss.approximate_kl, 1e-12);
  EXPECT_NEAR(parts.loss.clip_fraction, whole.loss.clip_fraction, 1e-12);
}

TEST(PpoLoss, GradientsAreThoseOfFiniteDifferences) {
  RandomStream random(4, RandomPurpose::kCollectionReset, 0, 0);
  constexpr size_t kCount = 40, kActions = 3;
  const Data data = RandomSamples(random, kCount, kActions);
  std::vector<float> logits(kCount * kActions), values(kCount);
  for (float& logit : logits) logit = static_cast<float>(random.Normal());
  for (float& value : values) value = static_cast<float>(random.Normal());
  for (const double value_clip : {0.0, 0.3}) {
    const PpoLossOptions options{
        .clip = 0.2, .value_clip = value_clip, .value_coefficient = 0.7, .entropy_coefficient = 0.1};
    const Result result = Compute(logits, values, data, options);
    const auto check = [&](std::vector<float>& numbers, const std::vector<float>& gradients) {
      for (size_t i = 0; i < numbers.size(); ++i) {
        const float before = numbers[i];
        numbers[i] = before + 1e-3f;
        const double above = Total(Compute(logits, values, data, options).loss, options);
        numbers[i] = before - 1e-3f;
        const double below = Total(Compute(logits, values, data, options).loss, options);
        numbers[i] = before;
        EXPECT_NEAR(gradients[i], (above - below) / 2e-3, 2e-5) << i;
      }
    };
    check(logits, result.logit_gradients);
    check(values, result.value_gradients);
  }
}

}  // namespace
}  // namespace understudy
