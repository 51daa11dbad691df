#include "common/policy/mlp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "common/policy/policy.h"
#include "common/snapshot/sha256.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using testing::CartPoleHeader;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Policy MakePolicy(const std::string& network, uint64_t seed = 0) {
  return *Policy::Create(CartPoleHeader(network), seed);
}

std::vector<std::vector<int64_t>> Shapes(const std::string& network) {
  return (*MakeNetwork(CartPoleHeader(network)))->ParameterShapes();
}

// A × Aᵀ or Aᵀ × A, whichever is smaller.
at::Tensor Gram(const at::Tensor& a) { return a.size(0) < a.size(1) ? a.mm(a.t()) : a.t().mm(a); }

void ExpectOrthogonal(const at::Tensor& weight, double gain) {
  const at::Tensor gram = Gram(weight.to(at::kDouble));
  const at::Tensor expected = at::eye(gram.size(0), at::kDouble) * gain * gain;
  EXPECT_LT((gram - expected).abs().max().item<double>(), 1e-6 * gain * gain) << weight.sizes();
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
    return (*MakeNetwork(CartPoleHeader(network)))->ParameterNames();
  };
  EXPECT_THAT(names("hidden_sizes: [8]"),
              ElementsAre("actor.0.weight", "actor.0.bias", "actor.1.weight", "actor.1.bias", "critic.0.weight",
                          "critic.0.bias", "critic.1.weight", "critic.1.bias"));
  EXPECT_THAT(names("hidden_sizes: [8, 3] trunk: 'shared'"),
              ElementsAre("trunk.0.weight", "trunk.0.bias", "trunk.1.weight", "trunk.1.bias", "actor.0.weight",
                          "actor.0.bias", "critic.0.weight", "critic.0.bias"));
}

TEST(Mlp, InitialWeightsAreOrthogonalWithTheirLayersGain) {
  const std::unique_ptr<Network> network = *MakeNetwork(CartPoleHeader("hidden_sizes: [64, 3, 48]"));
  std::vector<at::Tensor> tensors;
  for (const std::vector<int64_t>& shape : network->ParameterShapes()) tensors.push_back(at::ones(shape));
  network->Initialise(tensors, 7);
  const double kHidden = std::sqrt(2.0);
  const std::vector<double> gains = {kHidden, kHidden, kHidden, 0.01, kHidden, kHidden, kHidden, 1.0};
  ASSERT_EQ(tensors.size(), 2 * gains.size());
  for (size_t i = 0; i < gains.size(); ++i) {
    ExpectOrthogonal(tensors[2 * i], gains[i]);
    EXPECT_EQ(tensors[2 * i + 1].abs().max().item<float>(), 0) << "bias " << i;
  }
}

TEST(Mlp, InitialWeightsFollowFromTheSeed) {
  const at::Tensor a = MakePolicy("hidden_sizes: [64, 64]", 5).parameters();
  EXPECT_TRUE(a.equal(MakePolicy("hidden_sizes: [64, 64]", 5).parameters()));
  EXPECT_FALSE(a.equal(MakePolicy("hidden_sizes: [64, 64]", 6).parameters()));
}

TEST(Mlp, ActorAndCriticBeginDifferent) {
  const at::Tensor parameters = MakePolicy("hidden_sizes: [16]").parameters();
  const at::Tensor actor = parameters.narrow(0, 0, 4 * 16);
  const at::Tensor critic = parameters.narrow(0, 4 * 16 + 16 + 16 * 2 + 2, 4 * 16);
  EXPECT_FALSE(actor.equal(critic));
}

// One hidden unit: h = f(x · (1, 2, 3, 4) - 5), logits (2 h + 0.5, -h), value 3 h' + 1 with h' = f(x · (0, 0, 0, 1)).
Policy OneUnit(const std::string& activation) {
  Policy policy = MakePolicy("hidden_sizes: 1 activation: '" + activation + "'");
  const float parameters[] = {1, 2, 3, 4, -5, 2, -1, 0.5f, 0, 0, 0, 0, 1, 0, 3, 1};
  EXPECT_EQ(policy.parameters().numel(), 16);
  std::memcpy(policy.parameters().data_ptr<float>(), parameters, sizeof(parameters));
  return policy;
}

TEST(Mlp, ComputesWhatItsParametersSay) {
  const at::Tensor observations = at::tensor({1.0f, 1.0f, 1.0f, -0.25f, 1.0f, 1.0f, 1.0f, 0.5f}).view({2, 4});
  const Policy::Output tanh = OneUnit("tanh").Infer(observations, true);
  EXPECT_NEAR(tanh.logits[0][0].item<float>(), 0.5, 1e-6);          // h = tanh(0)
  EXPECT_NEAR(tanh.logits[1][0].item<float>(), 2.490109507, 1e-6);  // h = tanh(3) = 0.995054754
  EXPECT_NEAR(tanh.logits[1][1].item<float>(), -0.995054754, 1e-6);
  EXPECT_NEAR(tanh.values[1].item<float>(), 3 * 0.462117157 + 1, 1e-6);  // h' = tanh(0.5)
  const Policy::Output relu = OneUnit("relu").Infer(observations, true);
  EXPECT_NEAR(relu.logits[1][0].item<float>(), 6.5, 1e-6);
  EXPECT_NEAR(relu.values[0].item<float>(), 1, 1e-6);
  EXPECT_NEAR(relu.values[1].item<float>(), 2.5, 1e-6);
}

std::string Bytes(const at::Tensor& tensor) {
  return std::string(reinterpret_cast<const char*>(tensor.data_ptr<float>()), tensor.nbytes());
}

TEST(Mlp, InfersTheSameBitsOnEveryProcessor) {
  const Policy policy = MakePolicy("hidden_sizes: [64, 64]");
  float* const parameters = policy.parameters().data_ptr<float>();
  for (int64_t i = 0; i < policy.parameters().numel(); ++i) parameters[i] = static_cast<float>(i * 37 % 101 - 50) / 256;
  const at::Tensor observations = at::empty({64, 4});
  for (int64_t i = 0; i < 64 * 4; ++i) {
    observations.data_ptr<float>()[i] = static_cast<float>(i * 53 % 97 - 48) / 32;
  }
  const Policy::Output output = policy.Infer(observations, true);
  // Printed by dense_reference.py.
  EXPECT_EQ(ToHex(Sha256(Bytes(output.logits) + Bytes(output.values))),
            "158386dfeb86e8cf18479e0f070ecab48b6d99ac1e007ad15cb5f76b4ae228eb");
}

TEST(Mlp, ValuesAreComputedOnlyWhereAskedFor) {
  const Policy policy = MakePolicy("hidden_sizes: [8]");
  const at::Tensor observations = at::zeros({3, 4});
  EXPECT_FALSE(policy.Infer(observations, false).values.defined());
  EXPECT_EQ(policy.Infer(observations, true).values.sizes(), at::IntArrayRef({3}));
  EXPECT_EQ(policy.Infer(observations, true).logits.sizes(), at::IntArrayRef({3, 2}));
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
