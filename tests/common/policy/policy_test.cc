#include "common/policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "common/random/random_stream.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using testing::CartPoleHeader;
using ::testing::HasSubstr;

at::Tensor RandomObservations(int64_t rows, uint64_t seed) {
  RandomStream random(seed, RandomPurpose::kEpisodeReset, 0, 0);
  at::Tensor observations = at::empty({rows, 4});
  for (int64_t i = 0; i < observations.numel(); ++i) {
    observations.data_ptr<float>()[i] = static_cast<float>(random.Uniform(-2, 2));
  }
  return observations;
}

// A loss that every output has a part in.
at::Tensor Loss(const Policy& policy, const at::Tensor& observations) {
  const Policy::Output output = policy.Forward(observations, true);
  return (output.logits.select(1, 0) * 3 - output.logits.select(1, 1).square()).sum() + output.values.square().sum();
}

class PolicyGradient : public ::testing::TestWithParam<const char*> {};

TEST_P(PolicyGradient, IsThatOfFiniteDifferencesAndLiesInTheFlatBuffer) {
  Policy policy = *Policy::Create(CartPoleHeader(GetParam()), 3);
  policy.parameters().add_(0.05);  // biases and heads too are away from zero
  const at::Tensor observations = RandomObservations(5, 1);
  torch::autograd::backward({Loss(policy, observations)}, {});
  constexpr float kStep = 1e-2f;
  float* parameters = policy.parameters().data_ptr<float>();
  for (int64_t i = 0; i < policy.parameters().numel(); ++i) {
    const float before = parameters[i];
    parameters[i] = before + kStep;
    const double above = Loss(policy, observations).item<double>();
    parameters[i] = before - kStep;
    const double below = Loss(policy, observations).item<double>();
    parameters[i] = before;
    const double expected = (above - below) / (2 * kStep);
    EXPECT_NEAR(policy.gradients()[i].item<double>(), expected, 2e-2 * std::max(1.0, std::abs(expected))) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, PolicyGradient,
                         ::testing::Values("hidden_sizes: [5, 3]", "hidden_sizes: [4] trunk: 'shared'"));

TEST(Policy, BackwardAccumulatesIntoTheFlatGradients) {
  Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 3);
  const at::Tensor observations = RandomObservations(5, 1);
  const float* storage = policy.gradients().data_ptr<float>();
  torch::autograd::backward({Loss(policy, observations)}, {});
  const at::Tensor once = policy.gradients().clone();
  EXPECT_GT(once.abs().max().item<float>(), 0);
  torch::autograd::backward({Loss(policy, observations)}, {});
  EXPECT_TRUE(policy.gradients().allclose(2 * once));
  EXPECT_EQ(policy.gradients().data_ptr<float>(), storage);
}

TEST(Policy, WritingTheFlatParametersChangesTheNetwork) {
  Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 3);
  policy.parameters().zero_();
  EXPECT_EQ(policy.Infer(RandomObservations(2, 1), true).logits.abs().max().item<float>(), 0);
}

// Relative to the largest output: where terms cancel, so little is left that rounding shows.
double RelativeError(const at::Tensor& inferred, const at::Tensor& forward) {
  return ((inferred - forward).abs().max() / forward.abs().max()).item<double>();
}

TEST(Policy, KnowsWhichTensorAParameterIsIn) {
  const Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 1);
  EXPECT_EQ(policy.TensorAt(0), "actor.0.weight");
  EXPECT_EQ(policy.TensorAt(4 * 8 - 1), "actor.0.weight");
  EXPECT_EQ(policy.TensorAt(4 * 8), "actor.0.bias");
  EXPECT_EQ(policy.TensorAt(4 * 8 + 8), "actor.1.weight");
  EXPECT_EQ(policy.TensorAt(policy.parameters().numel() - 1), "critic.1.bias");
}

TEST(Policy, InferIsForwardWithoutGradients) {
  for (const char* network : {"hidden_sizes: [8]", "hidden_sizes: [64, 64]", "hidden_sizes: [70, 33] trunk: 'shared'",
                              "hidden_sizes: [300, 200] activation: 'relu'"}) {
    const Policy policy = *Policy::Create(CartPoleHeader(network), 3);
    policy.parameters().add_(0.01);
    const at::Tensor observations = RandomObservations(100, 1);
    const Policy::Output inferred = policy.Infer(observations, true);
    const Policy::Output forward = policy.Forward(observations, true);
    EXPECT_LT(RelativeError(inferred.logits, forward.logits), 1e-5) << network;
    EXPECT_LT(RelativeError(inferred.values, forward.values), 1e-5) << network;
    EXPECT_FALSE(inferred.logits.requires_grad());
    EXPECT_TRUE(forward.logits.requires_grad());
  }
}

TEST(Policy, InferReadsRowsThatAreViewsOfOthers) {
  const Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 3);
  const at::Tensor rows = RandomObservations(10, 1);
  const at::Tensor every_other = rows.slice(0, 0, 10, 2);
  EXPECT_TRUE(policy.Infer(every_other, true).logits.equal(policy.Infer(every_other.contiguous(), true).logits));
}

TEST(Policy, InferOfNoRowsIsEmpty) {
  const Policy::Output output = Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 3)->Infer(at::empty({0, 4}), true);
  EXPECT_EQ(output.logits.sizes(), at::IntArrayRef({0, 2}));
  EXPECT_EQ(output.values.sizes(), at::IntArrayRef({0}));
}

TEST(Policy, InferRefusesObservationsOfAnotherShapeOrType) {
  const Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 3);
  for (const at::Tensor& wrong : {at::zeros({3, 5}), at::zeros({4}), at::zeros({3, 4}, at::kDouble)}) {
    EXPECT_THROW(policy.Infer(wrong, true), c10::Error) << wrong.sizes();
  }
}

TEST(Policy, ASnapshotBringsTheSameParametersBack) {
  const Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8, 6] activation: 'relu'"), 11);
  const std::shared_ptr<const PolicySnapshot> snapshot = policy.Snapshot("expert", 4);
  EXPECT_EQ(snapshot->header.name(), "expert");
  EXPECT_EQ(snapshot->header.version(), 4);
  EXPECT_EQ(snapshot->header.parameter_count(), policy.parameters().numel());
  const Policy restored = *Policy::FromSnapshot(*snapshot);
  EXPECT_TRUE(restored.parameters().equal(policy.parameters()));
  EXPECT_EQ(restored.Snapshot("expert", 4)->header.digest(), snapshot->header.digest());
}

TEST(Policy, ASnapshotDoesNotChangeWithThePolicy) {
  const Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 11);
  const std::shared_ptr<const PolicySnapshot> snapshot = policy.Snapshot("expert", 1);
  const std::string before = snapshot->parameters;
  const Policy copy = *Policy::FromSnapshot(*snapshot);
  policy.parameters().zero_();
  copy.parameters().zero_();
  EXPECT_EQ(snapshot->parameters, before);
}

TEST(Policy, ASnapshotOfAnotherSizeIsRefused) {
  PolicySnapshot snapshot = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 1)->Snapshot("expert", 3);
  snapshot.parameters.pop_back();
  const absl::Status status = Policy::FromSnapshot(snapshot).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("policy expert@3: found 427 bytes"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("428"));
}

TEST(Policy, MovingKeepsParametersGradientsAndNetworkTogether) {
  Policy original = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 1);
  const Policy policy = std::move(original);
  torch::autograd::backward({Loss(policy, RandomObservations(3, 2))}, {});
  EXPECT_GT(policy.gradients().abs().max().item<float>(), 0);
}

}  // namespace
}  // namespace understudy
