#include "learner/backpropagation/mlp_backpropagation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "common/policy/policy.h"
#include "common/random/random_stream.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using testing::CartPoleHeader;
using ::testing::Each;
using ::testing::Not;

std::vector<float> RandomRows(size_t rows) {
  RandomStream random(8, RandomPurpose::kCollectionReset, 0, 0);
  std::vector<float> numbers(4 * rows);
  for (float& number : numbers) number = static_cast<float>(random.Normal());
  return numbers;
}

Policy MakePolicy(const std::string& network) {
  Policy policy = *Policy::Create(CartPoleHeader(network), 3);
  for (float& parameter : policy.parameters()) parameter += 0.05f;  // biases and heads too are away from zero
  return policy;
}

std::unique_ptr<Backpropagation> Make(const Policy& policy, int threads = 1) {
  return MakeMlpBackpropagation(*MlpLayout::Create(policy.header()), threads);
}

// Σ over rows of 3 l₀ - l₁² + v²: every output has a part in it.
double LossOf(const Policy& policy, const std::vector<float>& observations, bool with_values) {
  const size_t rows = observations.size() / 4;
  std::vector<float> logits(2 * rows), values(rows);
  policy.Infer(observations, {.logits = logits, .values = values});
  double loss = 0;
  for (size_t i = 0; i < rows; ++i) {
    loss += 3.0 * logits[2 * i] - static_cast<double>(logits[2 * i + 1]) * logits[2 * i + 1];
    if (with_values) loss += static_cast<double>(values[i]) * values[i];
  }
  return loss;
}

absl::Status Differentiate(size_t, const NetworkOutput& output, const NetworkGradients& gradients) {
  for (size_t i = 0; i < output.logits.size(); i += 2) {
    gradients.logits[i] = 3;
    gradients.logits[i + 1] = -2 * output.logits[i + 1];
  }
  for (size_t i = 0; i < output.values.size(); ++i) gradients.values[i] = 2 * output.values[i];
  return absl::OkStatus();
}

std::vector<float> Gradients(const Policy& policy, const std::vector<float>& observations, bool with_values,
                             int threads = 1) {
  std::vector<float> gradients(policy.parameters().size(), NAN);
  const absl::Status status =
      Make(policy, threads)->Compute(policy.parameters(), observations, with_values, Differentiate, gradients);
  EXPECT_TRUE(status.ok()) << status;
  return gradients;
}

class MlpGradient : public ::testing::TestWithParam<const char*> {};

TEST_P(MlpGradient, IsThatOfFiniteDifferences) {
  Policy policy = MakePolicy(GetParam());
  const std::vector<float> observations = RandomRows(5);
  for (const bool with_values : {true, false}) {
    const std::vector<float> gradients = Gradients(policy, observations, with_values);
    constexpr float kStep = 1e-3f;
    for (size_t i = 0; i < gradients.size(); ++i) {
      float& parameter = policy.parameters()[i];
      const float before = parameter;
      parameter = before + kStep;
      const double above = LossOf(policy, observations, with_values);
      parameter = before - kStep;
      const double below = LossOf(policy, observations, with_values);
      parameter = before;
      const double expected = (above - below) / (2 * kStep);
      EXPECT_NEAR(gradients[i], expected, 2e-2 * std::max(1.0, std::abs(expected))) << policy.TensorAt(i) << " " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, MlpGradient,
                         ::testing::Values("hidden_sizes: [5, 3]", "hidden_sizes: [4] trunk: 'shared'",
                                           "hidden_sizes: [6, 4, 3] trunk: 'shared'",
                                           "hidden_sizes: [5, 3] activation: 'relu'", "hidden_sizes: [20, 17]"));

TEST(MlpBackpropagation, HasTheSameBitsForAnyNumberOfThreads) {
  const Policy policy = MakePolicy("hidden_sizes: [64, 64]");
  for (const size_t rows : {1, 64, 65, 256, 1000}) {
    const std::vector<float> observations = RandomRows(rows);
    const std::vector<float> expected = Gradients(policy, observations, true);
    for (const int threads : {2, 3, 8}) EXPECT_EQ(Gradients(policy, observations, true, threads), expected) << rows;
  }
}

TEST(MlpBackpropagation, BlocksOfRowsAddUp) {
  const Policy policy = MakePolicy("hidden_sizes: [8]");
  const std::vector<float> observations = RandomRows(1000);
  const std::vector<float> whole = Gradients(policy, observations, true);
  std::vector<double> sums(whole.size());
  for (size_t row = 0; row < 1000; ++row) {
    const std::vector<float> one(observations.begin() + 4 * row, observations.begin() + 4 * (row + 1));
    const std::vector<float> gradients = Gradients(policy, one, true);
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += gradients[i];
  }
  for (size_t i = 0; i < sums.size(); ++i) EXPECT_NEAR(whole[i], sums[i], 1e-5 * std::max(1.0, std::abs(sums[i]))) << i;
}

TEST(MlpBackpropagation, AsksForEveryBlocksLossOnceWithWhatInferenceGives) {
  const Policy policy = MakePolicy("hidden_sizes: [8]");
  constexpr size_t kRows = 3 * kBlockRows + 7;
  const std::vector<float> observations = RandomRows(kRows);
  std::vector<float> logits(2 * kRows), values(kRows), seen_logits(2 * kRows), seen_values(kRows);
  policy.Infer(observations, {.logits = logits, .values = values});
  std::vector<int> asked(kRows);
  std::vector<float> gradients(policy.parameters().size());
  const Loss loss = [&](size_t first_row, const NetworkOutput& output, const NetworkGradients& output_gradients) {
    EXPECT_EQ(first_row % kBlockRows, 0u);
    EXPECT_LE(output.values.size(), kBlockRows);
    for (size_t i = 0; i < output.values.size(); ++i) ++asked[first_row + i];
    std::copy(output.logits.begin(), output.logits.end(), &seen_logits[2 * first_row]);
    std::copy(output.values.begin(), output.values.end(), &seen_values[first_row]);
    return Differentiate(first_row, output, output_gradients);
  };
  ASSERT_TRUE(Make(policy)->Compute(policy.parameters(), observations, true, loss, gradients).ok());
  EXPECT_THAT(asked, Each(1));
  EXPECT_EQ(seen_logits, logits);
  EXPECT_EQ(seen_values, values);
}

TEST(MlpBackpropagation, WhatTheLossDoesNotDependOnHasNoGradient) {
  const Policy policy = MakePolicy("hidden_sizes: [8]");
  const std::vector<float> gradients = Gradients(policy, RandomRows(10), /*with_values=*/false);
  const size_t actor = 4 * 8 + 8 + 8 * 2 + 2;
  EXPECT_THAT(std::vector<float>(gradients.begin(), gradients.begin() + actor), Each(Not(0)));
  EXPECT_THAT(std::vector<float>(gradients.begin() + actor, gradients.end()), Each(0));
  EXPECT_THAT(Gradients(policy, {}, true), Each(0));
}

TEST(MlpBackpropagation, ALogitThatIsNotFiniteIsNamedByItsPlaceInTheMinibatch) {
  const Policy policy = MakePolicy("hidden_sizes: [8] activation: 'relu'");
  std::vector<float> observations(4 * 200, 0.0f);
  observations[4 * 150] = INFINITY;
  std::vector<float> gradients(policy.parameters().size());
  for (const int threads : {1, 3}) {
    const absl::Status status =
        Make(policy, threads)->Compute(policy.parameters(), observations, true, Differentiate, gradients);
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
    EXPECT_THAT(std::string(status.message()), ::testing::StartsWith("element 300 of logits is "));
  }
}

TEST(MlpBackpropagation, TheLosssOwnErrorIsTheResult) {
  const Policy policy = MakePolicy("hidden_sizes: [8]");
  std::vector<float> gradients(policy.parameters().size());
  const Loss loss = [](size_t first_row, const NetworkOutput&, const NetworkGradients&) {
    return first_row < 128 ? absl::OkStatus() : absl::InternalError("row " + std::to_string(first_row));
  };
  EXPECT_EQ(Make(policy, 2)->Compute(policy.parameters(), RandomRows(1000), true, loss, gradients),
            absl::InternalError("row 128"));
}

}  // namespace
}  // namespace understudy
