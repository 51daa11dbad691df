#include "common/policy/mlp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "common/policy/policy.h"
#include "common/snapshot/checksum.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using testing::CartPoleHeader;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<float> ToVector(std::span<const float> numbers) { return {numbers.begin(), numbers.end()}; }

struct Inferred {
  std::vector<float> logits, values;
};

Inferred Infer(const Policy& policy, const std::vector<float>& observations) {
  const size_t rows = observations.size() / policy.observation_size();
  Inferred inferred{.logits = std::vector<float>(rows * policy.actions()), .values = std::vector<float>(rows)};
  policy.Infer(observations, {.logits = inferred.logits, .values = inferred.values});
  return inferred;
}

Policy MakePolicy(const std::string& network, uint64_t seed = 0) {
  return *Policy::Create(CartPoleHeader(network), seed);
}

std::vector<std::vector<int64_t>> Shapes(const std::string& network) {
  std::vector<std::vector<int64_t>> shapes;
  for (const ParameterTensor& tensor : (*MakeNetwork(CartPoleHeader(network)))->Parameters()) {
    shapes.push_back(tensor.shape);
  }
  return shapes;
}

// The rows or, where there are fewer, the columns of a matrix [rows, columns] are orthogonal, of length `gain`.
void ExpectOrthogonal(std::span<const float> matrix, int64_t rows, int64_t columns, double gain) {
  const int64_t count = std::min(rows, columns);
  const int64_t length = std::max(rows, columns);
  const auto element = [&](int64_t vector, int64_t i) -> double {
    return rows < columns ? matrix[vector * columns + i] : matrix[i * columns + vector];
  };
  for (int64_t a = 0; a < count; ++a) {
    for (int64_t b = 0; b < count; ++b) {
      double product = 0;
      for (int64_t i = 0; i < length; ++i) product += element(a, i) * element(b, i);
      ASSERT_NEAR(product, a == b ? gain * gain : 0, 1e-6 * gain * gain) << rows << " × " << columns;
    }
  }
}

TEST(Mlp, SeparateTrunksHaveLayersOfTheirOwn) {
  EXPECT_THAT(Shapes("hidden_sizes: [8, 3]"),
              ElementsAre(ElementsAre(4, 8), ElementsAre(8), ElementsAre(8, 3), ElementsAre(3),  // actor
                          ElementsAre(3, 2), ElementsAre(2),                                     //
                          ElementsAre(4, 8), ElementsAre(8), ElementsAre(8, 3), ElementsAre(3),  // critic
                          ElementsAre(3, 1), ElementsAre(1)));
}

TEST(Mlp, ASharedTrunkHasTwoHeads) {
  EXPECT_THAT(Shapes("hidden_sizes: [8] trunk: 'shared'"),
              ElementsAre(ElementsAre(4, 8), ElementsAre(8), ElementsAre(8, 2), ElementsAre(2), ElementsAre(8, 1),
                          ElementsAre(1)));
}

TEST(Mlp, NamesItsTensorsInTheOrderOfTheirShapes) {
  const auto names = [](const std::string& network) {
    std::vector<std::string> all;
    for (const ParameterTensor& tensor : (*MakeNetwork(CartPoleHeader(network)))->Parameters()) {
      all.push_back(tensor.name);
    }
    return all;
  };
  EXPECT_THAT(names("hidden_sizes: [8]"),
              ElementsAre("actor.0.weight", "actor.0.bias", "actor.1.weight", "actor.1.bias", "critic.0.weight",
                          "critic.0.bias", "critic.1.weight", "critic.1.bias"));
  EXPECT_THAT(names("hidden_sizes: [8, 3] trunk: 'shared'"),
              ElementsAre("trunk.0.weight", "trunk.0.bias", "trunk.1.weight", "trunk.1.bias", "actor.0.weight",
                          "actor.0.bias", "critic.0.weight", "critic.0.bias"));
}

TEST(Mlp, InitialWeightsAreOrthogonalWithTheirLayersGain) {
  const MlpLayout layout = *MlpLayout::Create(CartPoleHeader("hidden_sizes: [64, 3, 48]"));
  Policy policy = MakePolicy("hidden_sizes: [64, 3, 48]", 7);
  const double kHidden = std::sqrt(2.0);
  const std::vector<double> gains = {kHidden, kHidden, kHidden, 0.01, kHidden, kHidden, kHidden, 1.0};
  ASSERT_EQ(layout.layers.size(), gains.size());
  for (size_t i = 0; i < gains.size(); ++i) {
    const MlpLayer& layer = layout.layers[i];
    const DenseLayer numbers = layer.Of(std::as_const(policy).parameters());
    ExpectOrthogonal(numbers.weights, layer.inputs, layer.outputs, gains[i]);
    EXPECT_THAT(numbers.bias, Each(0)) << "bias " << i;
  }
}

TEST(Mlp, InitialWeightsFollowFromTheSeed) {
  const auto parameters = [](uint64_t seed) {
    return MakePolicy("hidden_sizes: [64, 64]", seed).Snapshot("x", 1)->parameters;
  };
  EXPECT_EQ(parameters(5), parameters(5));
  EXPECT_NE(parameters(5), parameters(6));
}

TEST(Mlp, ActorAndCriticBeginDifferent) {
  const Policy policy = MakePolicy("hidden_sizes: [16]");
  EXPECT_NE(ToVector(policy.parameters().subspan(0, 4 * 16)),
            ToVector(policy.parameters().subspan(4 * 16 + 16 + 16 * 2 + 2, 4 * 16)));
}

// One hidden unit: h = f(x · (1, 2, 3, 4) - 5), logits (2 h + 0.5, -h), value 3 h' + 1 with h' = f(x · (0, 0, 0, 1)).
Policy OneUnit(const std::string& activation) {
  Policy policy = MakePolicy("hidden_sizes: 1 activation: '" + activation + "'");
  const float parameters[] = {1, 2, 3, 4, -5, 2, -1, 0.5f, 0, 0, 0, 0, 1, 0, 3, 1};
  EXPECT_EQ(policy.parameters().size_bytes(), sizeof(parameters));
  std::memcpy(policy.parameters().data(), parameters, sizeof(parameters));
  return policy;
}

TEST(Mlp, ComputesWhatItsParametersSay) {
  const std::vector<float> observations = {1, 1, 1, -0.25f, 1, 1, 1, 0.5f};
  const Inferred tanh = Infer(OneUnit("tanh"), observations);
  EXPECT_NEAR(tanh.logits[0], 0.5, 1e-6);          // h = tanh(0)
  EXPECT_NEAR(tanh.logits[2], 2.490109507, 1e-6);  // h = tanh(3) = 0.995054754
  EXPECT_NEAR(tanh.logits[3], -0.995054754, 1e-6);
  EXPECT_NEAR(tanh.values[1], 3 * 0.462117157 + 1, 1e-6);  // h' = tanh(0.5)
  const Inferred relu = Infer(OneUnit("relu"), observations);
  EXPECT_NEAR(relu.logits[2], 6.5, 1e-6);
  EXPECT_NEAR(relu.values[0], 1, 1e-6);
  EXPECT_NEAR(relu.values[1], 2.5, 1e-6);
}

std::string Bytes(std::span<const float> numbers) {
  return std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes());
}

TEST(Mlp, InfersTheSameBitsOnEveryProcessor) {
  Policy policy = MakePolicy("hidden_sizes: [64, 64]");
  const std::span<float> parameters = policy.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    parameters[i] = static_cast<float>(static_cast<int64_t>(i) * 37 % 101 - 50) / 256;
  }
  std::vector<float> observations(64 * 4);
  for (int64_t i = 0; i < 64 * 4; ++i) observations[i] = static_cast<float>(i * 53 % 97 - 48) / 32;
  const Inferred output = Infer(policy, observations);
  // Printed by dense_reference.py.
  EXPECT_EQ(ToHex(Sha256(Bytes(output.logits) + Bytes(output.values))),
            "83ff5a2e8b77db07ba0ff84acb71884e79655a63ff2fc74e1310a9a2741ee3d3");
}

TEST(Mlp, WhatIsNotAskedForChangesNothing) {
  for (const char* network : {"hidden_sizes: [8, 5]", "hidden_sizes: [8, 5] trunk: 'shared'"}) {
    const Policy policy = MakePolicy(network);
    const std::vector<float> observations(100 * 4, 0.3f);
    const Inferred both = Infer(policy, observations);
    std::vector<float> logits(200), values(100);
    policy.Infer(observations, {.logits = logits, .values = {}});
    policy.Infer(observations, {.logits = {}, .values = values});
    EXPECT_EQ(logits, both.logits) << network;
    EXPECT_EQ(values, both.values) << network;
  }
}

TEST(Mlp, RefusesAnActionSpaceThatIsNotDiscrete) {
  v1::PolicyHeader header = CartPoleHeader("hidden_sizes: [8]");
  header.set_environment("Pendulum-v1");
  header.mutable_action_space()->mutable_box()->add_shape(1);
  const absl::Status status = MakeNetwork(header).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("Pendulum-v1"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("expected a discrete one"));
}

TEST(Mlp, RefusesAnObservationSpaceThatIsNotABox) {
  v1::PolicyHeader header = CartPoleHeader("hidden_sizes: [8]");
  header.mutable_observation_space()->mutable_discrete()->set_n(5);
  EXPECT_EQ(MakeNetwork(header).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Mlp, RefusesSettingsThatItDoesNotKnow) {
  for (const char* network :
       {"", "hidden_sizes: [8, 0]", "hidden_sizes: [8] activation: 'gelu'", "hidden_sizes: [8] trunk: 'split'"}) {
    EXPECT_EQ(MakeNetwork(CartPoleHeader(network)).status().code(), absl::StatusCode::kInvalidArgument) << network;
  }
}

TEST(NetworkTable, AnUnknownTypeIsRefusedWithTheListOfThoseThatThereAre) {
  const absl::Status status = MakeNetwork(CartPoleHeader("type: 'transformer'")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"transformer\", expected one of: mlp"));
}

}  // namespace
}  // namespace understudy
