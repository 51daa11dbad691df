#include "learner/algorithms/parameter_update.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/policy/categorical.h"
#include "common/random/random_stream.h"
#include "learner/algorithms/bc_loss.h"
#include "learner/algorithms/ppo_loss.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using testing::CartPoleHeader;

constexpr int64_t kRows = 64;

at::Tensor RandomRows() {
  RandomStream random(8, RandomPurpose::kEpisodeReset, 0, 0);
  at::Tensor rows = at::empty({kRows, 4});
  for (int64_t i = 0; i < rows.numel(); ++i) rows.data_ptr<float>()[i] = static_cast<float>(random.Normal());
  return rows;
}

// What is right in a row: a function that the network must bend for.
int32_t RightAction(const at::Tensor& row) { return row[0].item<float>() * row[1].item<float>() > 0; }

TEST(ParameterUpdate, PpoOverfitsABatch) {
  Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [64, 64]"), 1);
  ParameterUpdate update(policy, {}, 0.5);
  const at::Tensor observations = RandomRows();
  std::vector<int32_t> actions(kRows);
  std::vector<float> log_probs(kRows, std::log(0.5f)), values(kRows), advantages(kRows), returns(kRows);
  for (int64_t i = 0; i < kRows; ++i) {
    actions[i] = static_cast<int32_t>(i % 2);
    advantages[i] = actions[i] == RightAction(observations[i]) ? 1.0f : -1.0f;
    returns[i] = static_cast<float>(i % 5) - 2;
  }
  PpoLoss loss;
  for (int step = 0; step < 600; ++step) {
    update.Apply(observations, true, 0.003, [&](const NetworkOutput& output, const NetworkGradients& gradients) {
      loss = ComputePpoLoss(output.logits, output.values, {actions, log_probs, values, advantages, returns}, {},
                            gradients.logits, gradients.values);
    });
  }
  EXPECT_LT(loss.value_loss, 0.05);
  const at::Tensor logits = policy.Infer(observations, false).logits;
  for (int64_t i = 0; i < kRows; ++i) {
    EXPECT_EQ(GreedyAction(Numbers(logits).subspan(2 * i, 2)), RightAction(observations[i])) << i;
  }
}

TEST(ParameterUpdate, ReturnsTheNormBeforeClipping) {
  Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 1);
  ParameterUpdate update(policy, {}, 1e-3);
  const std::vector<int32_t> actions(kRows, 1);
  const double norm =
      update.Apply(RandomRows(), false, 0.01, [&](const NetworkOutput& output, const NetworkGradients& gradients) {
        EXPECT_TRUE(output.values.empty());
        CrossEntropy(output, {.actions = actions, .logits = {}, .values = {}}, gradients);
      });
  EXPECT_GT(norm, 0.1);
  EXPECT_NEAR(policy.gradients().norm().item<double>(), 1e-3, 1e-6);
}

TEST(ParameterUpdate, LeavesTheParametersWhereAGradientIsNotFinite) {
  Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 1);
  ParameterUpdate update(policy, {}, 1);
  const at::Tensor before = policy.parameters().clone();
  const double norm =
      update.Apply(RandomRows(), false, 0.01, [&](const NetworkOutput&, const NetworkGradients& gradients) {
        for (float& gradient : gradients.logits) gradient = NAN;
      });
  EXPECT_FALSE(std::isfinite(norm));
  EXPECT_TRUE(policy.parameters().equal(before));
}

}  // namespace
}  // namespace understudy
