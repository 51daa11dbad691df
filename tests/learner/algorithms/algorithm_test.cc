#include "learner/algorithms/algorithm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>

#include "common/config/experiment_validation.h"
#include "tests/testing/fake_training_context.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using ::testing::AnyOf;
using testing::CartPoleHeader;
using testing::CartPoleTraining;
using ::testing::HasSubstr;

TEST(AlgorithmTable, HasEveryAlgorithmThatExperimentsMayName) {
  for (const AlgorithmRules& rules : AllAlgorithmRules()) {
    EXPECT_TRUE(FindAlgorithm(std::string(rules.name)).ok()) << rules.name;
  }
}

TEST(AlgorithmTable, AnUnknownNameIsRefusedWithTheListOfThoseThatThereAre) {
  const absl::Status status = FindAlgorithm("dagger").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("\"dagger\": expected one of: bc, ppo"));
}

class ThrowingContext : public testing::FakeTrainingContext {
 public:
  absl::Status Start(std::shared_ptr<Order>, std::shared_ptr<const PolicySnapshot>, bool) override {
    throw std::length_error("vector::reserve");
  }
};

TEST(AlgorithmTable, ExceptionsOfLibrariesBecomeAStatusThatNamesTheAlgorithm) {
  ThrowingContext context;
  const absl::Status status = (*FindAlgorithm("ppo"))(CartPoleTraining("algorithm: 'ppo'"), context).status();
  EXPECT_EQ(status, absl::InternalError("algorithm ppo: vector::reserve"));
}

TEST(AlgorithmTable, ADeviceThatIsNotThereFailsTheTrainingByName) {
  TrainingInput input = CartPoleTraining("algorithm: 'ppo' device: 'cuda'");
  testing::FakeTrainingContext context;
  const absl::Status status = (*FindAlgorithm("ppo"))(input, context).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  // With LibTorch, which has no CUDA here; or without LibTorch.
  EXPECT_THAT(std::string(status.message()), AnyOf(HasSubstr("device cuda: "), HasSubstr("LibTorch is needed: ")));
}

std::shared_ptr<const PolicySnapshot> Initial() {
  return Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 5)->Snapshot("old", 2);
}

TEST(StartingPolicy, IsFreshBySeedWithoutAnInitialOne) {
  const auto parameters = [](int seed) {
    return StartingPolicy(CartPoleTraining("algorithm: 'ppo' seed: " + std::to_string(seed)))
        ->Snapshot("x", 1)
        ->parameters;
  };
  EXPECT_EQ(parameters(1), parameters(1));
  EXPECT_NE(parameters(1), parameters(2));
}

TEST(StartingPolicy, HasTheDefaultNetworkWhereTheStageNamesNone) {
  const Policy policy = *StartingPolicy(CartPoleTraining("algorithm: 'ppo'"));
  EXPECT_EQ(policy.header().network().hidden_sizes_size(), 2);
  EXPECT_EQ(policy.header().network().type(), "mlp");
}

TEST(StartingPolicy, TakesParametersAndNetworkOfTheInitialOne) {
  TrainingInput input = CartPoleTraining("algorithm: 'ppo'");
  input.stage.clear_network();
  input.initial = Initial();
  const Policy policy = *StartingPolicy(input);
  EXPECT_EQ(policy.Snapshot("x", 1)->parameters, input.initial->parameters);
  EXPECT_EQ(policy.header().network().hidden_sizes(0), 8);
}

TEST(StartingPolicy, AnotherNetworkThanAskedForIsRefusedWithBothPrinted) {
  TrainingInput input = CartPoleTraining("algorithm: 'ppo' network { hidden_sizes: [32, 16] }");
  input.initial = Initial();
  const absl::Status status = StartingPolicy(input).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("old@2"));
  EXPECT_THAT(std::string(status.message()), HasSubstr(ArchitectureText(Initial()->header)));
  EXPECT_THAT(std::string(status.message()), HasSubstr("32"));
}

TEST(StartingPolicy, OtherSpacesAreRefused) {
  TrainingInput input = CartPoleTraining("algorithm: 'ppo'");
  input.stage.clear_network();
  input.initial = Initial();
  input.environment.mutable_action_space()->mutable_discrete()->set_n(3);
  EXPECT_EQ(StartingPolicy(input).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(StartingPolicy, BelongsToTheStagesEnvironment) {
  TrainingInput input = CartPoleTraining("algorithm: 'ppo'");
  input.stage.clear_network();
  PolicySnapshot elsewhere = *Initial();
  elsewhere.header.set_environment("CartPole-v0");
  input.initial = std::make_shared<PolicySnapshot>(elsewhere);
  EXPECT_EQ(StartingPolicy(input)->header().environment(), "CartPole-v1");
}

}  // namespace
}  // namespace understudy
