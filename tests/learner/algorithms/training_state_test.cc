#include "learner/algorithms/training_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <span>
#include <utility>

#include "learner/algorithms/algorithm.h"
#include "learner/backpropagation/backpropagation.h"
#include "learner/checkpoint.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr AdamOptions kAdam = {.weight_decay = 0.01};

LoneLearner alone;

TrainingInput Input(const std::string& network = "hidden_sizes: [8]", const std::string& seed = "1") {
  return testing::CartPoleTraining("algorithm: 'ppo' seed: " + seed + " network { " + network + " }");
}

std::unique_ptr<TrainingState> Begin(const TrainingInput& input) {
  Policy policy = *StartingPolicy(input);
  auto backpropagation = *MakeBackpropagation(policy.header(), "cpu", /*threads=*/1);
  return std::make_unique<TrainingState>(input, "iteration", std::move(policy), std::move(backpropagation), kAdam, 0.5,
                                         alone);
}

// Updates by gradients that depend on the parameters and on `salt`.
void Train(TrainingState& state, int updates, float salt) {
  for (int i = 0; i < updates; ++i) {
    const std::vector<float> observations(16 * 4, 0.1f * static_cast<float>(i + 1));
    const auto norm = state.update.Apply(observations, true, 0.01,
                                         [&](size_t, const NetworkOutput& output, const NetworkGradients& gradients) {
                                           for (size_t j = 0; j < gradients.logits.size(); ++j) {
                                             gradients.logits[j] = output.logits[j] + salt * static_cast<float>(j % 3);
                                           }
                                           for (size_t j = 0; j < gradients.values.size(); ++j) {
                                             gradients.values[j] = output.values[j] - salt;
                                           }
                                           return absl::OkStatus();
                                         });
    ASSERT_TRUE(norm.ok());
    ++state.updates;
  }
  ++state.iteration;
}

std::string Bytes(const Policy& policy) {
  const std::span<const float> parameters = policy.parameters();
  return {reinterpret_cast<const char*>(parameters.data()), parameters.size_bytes()};
}

TEST(TrainingState, RestoredIntoAFreshPolicyAndOptimiserIsBitwiseTheCapturedOne) {
  const TrainingInput input = Input();
  const auto trained_owner = Begin(input);
  TrainingState& trained = *trained_owner;
  Train(trained, 7, 0.3f);
  v1::StopRuleState evaluated;
  evaluated.set_evaluated_version(2);
  evaluated.set_steps(900);
  evaluated.mutable_last()->set_episodes(5);
  evaluated.mutable_last()->set_mean_return(0.1 + 0.2);
  trained.stop_rule.Restore(evaluated);
  const v1::Checkpoint checkpoint = trained.Capture();

  const TrainingInput other_seed = Input("hidden_sizes: [8]", "2");
  const auto restored_owner = Begin(other_seed);
  TrainingState& restored = *restored_owner;
  ASSERT_NE(Bytes(restored.policy), Bytes(trained.policy));
  ASSERT_TRUE(restored.Restore(checkpoint, 10).ok());

  EXPECT_TRUE(Bytes(restored.policy) == Bytes(trained.policy));
  EXPECT_EQ(restored.update.optimizer().state().steps, 7);
  EXPECT_EQ(restored.update.optimizer().state().first_moments, trained.update.optimizer().state().first_moments);
  EXPECT_EQ(restored.update.optimizer().state().second_moments, trained.update.optimizer().state().second_moments);
  EXPECT_EQ(restored.iteration, 1);
  EXPECT_EQ(restored.updates, 7);
  EXPECT_EQ(restored.stop_rule.state().SerializeAsString(), evaluated.SerializeAsString());

  // And so is what it becomes: the layers still see the parameters.
  Train(trained, 3, -0.2f);
  Train(restored, 3, -0.2f);
  EXPECT_TRUE(Bytes(restored.policy) == Bytes(trained.policy));
}

TEST(TrainingState, SecondsGoOn) {
  const TrainingInput input = Input();
  const auto state_owner = Begin(input);
  TrainingState& state = *state_owner;
  Train(state, 1, 0.3f);
  v1::Checkpoint checkpoint = state.Capture();
  checkpoint.set_seconds(1000);
  ASSERT_TRUE(state.Restore(checkpoint, 1).ok());
  EXPECT_GE(state.seconds(), 1000);
  EXPECT_LT(state.seconds(), 1900);
}

TEST(TrainingState, ACheckpointOfAnotherNetworkIsRefusedWithBothSides) {
  const TrainingInput small = Input("hidden_sizes: [8]");
  const TrainingInput large = Input("hidden_sizes: [9]");
  const auto one_owner = Begin(small);
  TrainingState& one = *one_owner;
  const auto other_owner = Begin(large);
  TrainingState& other = *other_owner;
  const std::string before = Bytes(other.policy);
  const v1::Checkpoint checkpoint = one.Capture();
  const absl::Status status = other.Restore(checkpoint, 10);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(DoesNotFit(status));
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("checkpoint fingerprint: found " + ToHex(checkpoint.fingerprint())),
                    HasSubstr("expected " + ToHex(other.Capture().fingerprint()))));
  EXPECT_EQ(Bytes(other.policy), before);
}

TEST(TrainingState, ParametersThatAreTooFewAreRefusedByName) {
  const TrainingInput input = Input();
  const auto state_owner = Begin(input);
  TrainingState& state = *state_owner;
  v1::Checkpoint checkpoint = state.Capture();
  const std::string bytes = std::to_string(checkpoint.parameters().size());
  checkpoint.set_parameters("1234");
  const absl::Status status = state.Restore(checkpoint, 10);
  EXPECT_TRUE(DoesNotFit(status));
  EXPECT_EQ(status.message(), "checkpoint parameters: found 4 bytes, expected " + bytes + " bytes");
}

TEST(TrainingState, ACheckpointAfterTheLastIterationIsRefusedByName) {
  const TrainingInput input = Input();
  const auto state_owner = Begin(input);
  TrainingState& state = *state_owner;
  v1::Checkpoint checkpoint = state.Capture();
  checkpoint.set_iteration(11);
  EXPECT_EQ(state.Restore(checkpoint, 10).message(), "checkpoint iteration: found 11, expected at most 10");
}

}  // namespace
}  // namespace understudy
