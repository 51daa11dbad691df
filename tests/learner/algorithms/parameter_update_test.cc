#include "learner/algorithms/parameter_update.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "common/policy/categorical.h"
#include "common/random/random_stream.h"
#include "learner/algorithms/bc/bc_loss.h"
#include "learner/algorithms/ppo/ppo_loss.h"
#include "learner/backpropagation/backpropagation.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using testing::CartPoleHeader;

constexpr size_t kRows = 64;

LoneLearner alone;

std::vector<float> RandomRows() {
  RandomStream random(8, RandomPurpose::kCollectionReset, 0, 0);
  std::vector<float> rows(kRows * 4);
  for (float& number : rows) number = static_cast<float>(random.Normal());
  return rows;
}

std::unique_ptr<Backpropagation> BackpropagationOf(const Policy& policy) {
  return *MakeBackpropagation(policy.header(), "cpu", /*threads=*/1);
}

// What is right in a row: a function that the network must bend for.
int32_t RightAction(const std::vector<float>& rows, size_t row) { return rows[4 * row] * rows[4 * row + 1] > 0; }

TEST(ParameterUpdate, PpoOverfitsABatch) {
  Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [64, 64]"), 1);
  ParameterUpdate update(policy, BackpropagationOf(policy), {}, 0.5, alone);
  const std::vector<float> observations = RandomRows();
  std::vector<int32_t> actions(kRows);
  std::vector<float> log_probs(kRows, std::log(0.5f)), values(kRows), advantages(kRows), returns(kRows);
  for (size_t i = 0; i < kRows; ++i) {
    actions[i] = static_cast<int32_t>(i % 2);
    advantages[i] = actions[i] == RightAction(observations, i) ? 1.0f : -1.0f;
    returns[i] = static_cast<float>(i % 5) - 2;
  }
  PpoLoss loss;
  for (int step = 0; step < 600; ++step) {
    const auto applied = update.Apply(
        observations, true, 0.003, [&](size_t, const NetworkOutput& output, const NetworkGradients& gradients) {
          loss = ComputePpoLoss(output, {actions, log_probs, values, advantages, returns}, kRows, {}, gradients);
          return absl::OkStatus();
        });
    ASSERT_TRUE(applied.ok());
  }
  EXPECT_LT(loss.value_loss, 0.05);
  std::vector<float> logits(2 * kRows);
  policy.Infer(observations, {.logits = logits, .values = {}});
  for (size_t i = 0; i < kRows; ++i) {
    EXPECT_EQ(GreedyAction(std::span(logits).subspan(2 * i, 2)), RightAction(observations, i)) << i;
  }
}

TEST(ParameterUpdate, ReturnsTheNormBeforeClipping) {
  Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 1);
  ParameterUpdate update(policy, BackpropagationOf(policy), {}, 1e-3, alone);
  const std::vector<int32_t> actions(kRows, 1);
  const double norm = *update.Apply(
      RandomRows(), false, 0.01, [&](size_t, const NetworkOutput& output, const NetworkGradients& gradients) {
        EXPECT_TRUE(output.values.empty());
        CrossEntropy(output, {.actions = actions, .logits = {}, .values = {}}, kRows, gradients);
        return absl::OkStatus();
      });
  EXPECT_GT(norm, 0.1);
  // The first moments after one step are a tenth of the gradients that it was made with.
  EXPECT_NEAR(GlobalNorm(update.optimizer().state().first_moments), 1e-4, 1e-7);
}

// A small network after one good update, and what it was then.
struct Updated {
  Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 1);
  ParameterUpdate update{policy, BackpropagationOf(policy), {}, 1, alone};
  std::vector<float> parameters;
  Adam::State optimizer;

  Updated() {
    EXPECT_TRUE(Fill(0.1f, 0.1f, 0.01).ok());
    parameters.assign(policy.parameters().begin(), policy.parameters().end());
    optimizer = update.optimizer().state();
  }

  absl::Status Fill(float logit_gradient, float value_gradient, double learning_rate) {
    return update
        .Apply(RandomRows(), true, learning_rate,
               [&](size_t, const NetworkOutput&, const NetworkGradients& gradients) {
                 std::fill(gradients.logits.begin(), gradients.logits.end(), logit_gradient);
                 std::fill(gradients.values.begin(), gradients.values.end(), value_gradient);
                 return absl::OkStatus();
               })
        .status();
  }

  bool IsUnchanged() const {
    const Adam::State& now = update.optimizer().state();
    return std::ranges::equal(policy.parameters(), parameters) && now.steps == optimizer.steps &&
           now.first_moments == optimizer.first_moments && now.second_moments == optimizer.second_moments;
  }
};

TEST(ParameterUpdate, AGradientThatIsNotFiniteIsNamedAndChangesNothing) {
  Updated updated;
  // The first tensor that it reaches, in the order of the flat buffer.
  EXPECT_EQ(updated.Fill(NAN, 0, 0.01), absl::InternalError("gradient of actor.0.weight is nan"));
  EXPECT_TRUE(updated.IsUnchanged());
  EXPECT_EQ(updated.Fill(0, INFINITY, 0.01).code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(updated.Fill(0, INFINITY, 0.01).message()), ::testing::StartsWith("gradient of critic.0."));
  EXPECT_TRUE(updated.IsUnchanged());
}

TEST(ParameterUpdate, ALogitThatIsNotFiniteIsNamedBeforeTheLossIsAsked) {
  Updated updated;
  updated.policy.parameters()[4 * 8 + 8 + 8 * 2 + 1] = INFINITY;  // the second action's bias
  const std::vector<float> before(updated.policy.parameters().begin(), updated.policy.parameters().end());
  const auto applied =
      updated.update.Apply(RandomRows(), false, 0.01, [](size_t, const NetworkOutput&, const NetworkGradients&) {
        ADD_FAILURE() << "asked";
        return absl::OkStatus();
      });
  EXPECT_EQ(applied.status(), absl::InternalError("element 1 of logits is inf"));
  EXPECT_TRUE(std::ranges::equal(updated.policy.parameters(), before));
}

TEST(ParameterUpdate, ALossThatIsRefusedChangesNothing) {
  Updated updated;
  const auto applied = updated.update.Apply(RandomRows(), true, 0.01,
                                            [](size_t, const NetworkOutput&, const NetworkGradients& gradients) {
                                              std::fill(gradients.logits.begin(), gradients.logits.end(), 1.0f);
                                              return absl::InternalError("policy_loss is inf");
                                            });
  EXPECT_EQ(applied.status(), absl::InternalError("policy_loss is inf"));
  EXPECT_TRUE(updated.IsUnchanged());
}

TEST(ParameterUpdate, AParameterThatTheStepMakesInfiniteIsNamed) {
  Updated updated;
  const absl::Status status = updated.Fill(0.1f, 0.1f, 1e39);
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), ::testing::StartsWith("actor.0.weight is "));
}

TEST(ParameterUpdate, ASecondMomentThatOverflowsIsNamed) {
  Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 1);
  ParameterUpdate update(policy, BackpropagationOf(policy), {}, /*max_gradient_norm=*/0, alone);
  const auto applied =
      update.Apply(RandomRows(), false, 0.01, [](size_t, const NetworkOutput&, const NetworkGradients& gradients) {
        for (size_t i = 0; i < gradients.logits.size(); ++i) gradients.logits[i] = i % 2 == 0 ? 1e30f : 0.0f;
        return absl::OkStatus();
      });
  EXPECT_EQ(applied.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(applied.status().message()), ::testing::StartsWith("second moment of actor.0.weight is inf"));
}

}  // namespace
}  // namespace understudy
