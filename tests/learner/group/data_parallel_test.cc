// Training on several learners is the training of one: the same batches, the same minibatches, sums in another order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "learner/algorithms/bc/bc.h"
#include "learner/algorithms/ppo/ppo.h"
#include "learner/checkpoint.h"
#include "tests/testing/fake_training_context.h"
#include "tests/testing/gloo_ranks.h"
#include "tests/testing/training_inputs.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using testing::CartPoleTraining;
using testing::FakeTrainingContext;

using Trainer = absl::StatusOr<TrainingOutput> (*)(const TrainingInput&, TrainingContext&);

// What came of it at rank 0; what the others came to is checked to be the same.
struct Trained {
  TrainingOutput output;
  std::vector<v1::StageProgress> reports;
  std::vector<v1::Checkpoint> checkpoints;
};

Trained TrainOn(int ranks, Trainer trainer, const TrainingInput& input, const Demonstrations& demonstrations = {}) {
  std::vector<Trained> trained(static_cast<size_t>(ranks));
  const auto program = [&](LearnerGroup& group) {
    FakeTrainingContext context;
    context.learners = &group;
    context.demonstrations = demonstrations;
    context.checkpoints_due = true;
    absl::StatusOr<TrainingOutput> output = trainer(input, context);
    ASSERT_TRUE(output.ok()) << output.status();
    EXPECT_TRUE(group.rank() == 0 || context.reports.empty()) << "only rank 0 reports";
    trained[static_cast<size_t>(group.rank())] = {*std::move(output), context.reports, context.checkpoints};
  };
  if (ranks == 1) {
    LoneLearner alone;
    program(alone);
  } else {
    testing::RunRanks(ranks, program);
  }
  // A stop rule may give an earlier policy than the one that training had come to.
  for (const Trained& other : trained) {
    if (input.stage.has_stop() || other.output.policy == nullptr || trained[0].output.policy == nullptr) continue;
    EXPECT_TRUE(testing::SameParameters(*other.output.policy, *trained[0].output.policy));
  }
  return trained[0];
}

float LargestDifference(const PolicySnapshot& a, const PolicySnapshot& b) {
  EXPECT_EQ(a.parameters.size(), b.parameters.size());
  const auto* const of_a = reinterpret_cast<const float*>(a.parameters.data());
  const auto* const of_b = reinterpret_cast<const float*>(b.parameters.data());
  float largest = 0;
  for (size_t i = 0; i < a.parameters.size() / sizeof(float); ++i)
    largest = std::max(largest, std::abs(of_a[i] - of_b[i]));
  return largest;
}

void ExpectTheSame(const Trained& several, const Trained& one, float tolerance) {
  ASSERT_NE(several.output.policy, nullptr);
  EXPECT_LT(LargestDifference(*several.output.policy, *one.output.policy), tolerance);
  ASSERT_EQ(several.reports.size(), one.reports.size());
  for (size_t i = 0; i < one.reports.size(); ++i) {
    EXPECT_EQ(several.reports[i].metrics().size(), one.reports[i].metrics().size());
    for (const auto& [name, value] : one.reports[i].metrics()) {
      if (name == "seconds") continue;
      EXPECT_NEAR(several.reports[i].metrics().at(name), value, 1e-3 + 1e-3 * std::abs(value)) << name << " " << i;
    }
  }
  EXPECT_EQ(several.output.result.updates(), one.output.result.updates());
  EXPECT_EQ(several.output.result.environment_steps(), one.output.result.environment_steps());
}

TrainingInput Ppo(int iterations, const std::string& options = "", int slots = 7) {
  return CartPoleTraining(
      absl::StrCat("algorithm: 'ppo' policy: 'expert' seed: 5 network { hidden_sizes: [16, 16] } ppo { slots: ", slots,
                   " steps_per_slot: 24 epochs: 3 minibatch_size: 50 environment_steps: ", iterations * slots * 24, " ",
                   options, " }"));
}

// One iteration: with parameters that differ in their last bits, sooner or later another action is sampled, and all is
// different. 7 slots leave shares that are not equal, and minibatches of 50 are never divided equally.
TEST(DataParallel, PpoOnTheSameBatchIsThatOfOneLearner) {
  const Trained one = TrainOn(1, TrainPpo, Ppo(1));
  for (const int ranks : {2, 3, 7}) {
    SCOPED_TRACE(ranks);
    ExpectTheSame(TrainOn(ranks, TrainPpo, Ppo(1)), one, 2e-5f);
  }
}

TEST(DataParallel, PpoWithEveryOptionIsThatOfOneLearner) {
  const std::string options =
      "target_kl: 0.002 value_clip: 0.2 entropy_coefficient: 0.01 normalize_advantages: false max_gradient_norm: 0";
  ExpectTheSame(TrainOn(2, TrainPpo, Ppo(1, options)), TrainOn(1, TrainPpo, Ppo(1, options)), 2e-5f);
}

TEST(DataParallel, TrainingIsBitwiseTheSameAgain) {
  const TrainingInput input = Ppo(6, "max_policy_lag: 1");
  const Trained once = TrainOn(3, TrainPpo, input);
  const Trained again = TrainOn(3, TrainPpo, input);
  EXPECT_TRUE(testing::SameParameters(*once.output.policy, *again.output.policy));
}

TEST(DataParallel, GoesOnFromEveryCheckpointToTheSameBits) {
  for (const char* const options : {"", "max_policy_lag: 1"}) {
    TrainingInput input = Ppo(5, options);
    const Trained whole = TrainOn(2, TrainPpo, input);
    ASSERT_GE(whole.checkpoints.size(), 4u);
    for (const v1::Checkpoint& checkpoint : whole.checkpoints) {
      SCOPED_TRACE(checkpoint.iteration());
      EXPECT_TRUE(ValidateCheckpoint(checkpoint).ok()) << ValidateCheckpoint(checkpoint);
      EXPECT_EQ(checkpoint.ppo().slots_size(), 7);
      input.checkpoint = checkpoint;
      const Trained rest = TrainOn(2, TrainPpo, input);
      ASSERT_NE(rest.output.policy, nullptr);
      EXPECT_TRUE(testing::SameParameters(*rest.output.policy, *whole.output.policy));
    }
  }
}

TEST(DataParallel, StopsWhereTheRuleIsReached) {
  TrainingInput input = Ppo(50, "max_policy_lag: 1");
  input.stage.mutable_stop()->set_mean_return(12);
  input.stage.mutable_stop()->set_episodes(5);
  input.stage.mutable_stop()->set_interval(2);
  const Trained trained = TrainOn(2, TrainPpo, input);
  EXPECT_TRUE(trained.output.result.converged());
  EXPECT_LT(trained.output.result.iterations(), 50);
}

TEST(DataParallel, BcIsThatOfOneLearner) {
  const Demonstrations demonstrations =
      *testing::RecordDemonstrations(testing::CartPoleSpec(), testing::BalancingExpert(), 0, 1500);
  for (const char* const options : {"", "loss: 'distillation'", "validation_split: 0 patience: 0"}) {
    SCOPED_TRACE(options);
    const TrainingInput input = CartPoleTraining(absl::StrCat(
        "algorithm: 'bc' policy: 'clone' dataset: 'demonstrations' seed: 5 network { hidden_sizes: [16, 16] } "
        "bc { epochs: 6 minibatch_size: 50 ",
        options, " }"));
    const Trained one = TrainOn(1, TrainBc, input, demonstrations);
    for (const int ranks : {2, 3}) {
      SCOPED_TRACE(ranks);
      ExpectTheSame(TrainOn(ranks, TrainBc, input, demonstrations), one, 1e-4f);
    }
  }
}

// More learners than a minibatch has samples: some have nothing to do for it.
TEST(DataParallel, AMinibatchOfOneSampleIsSharedToo) {
  const Demonstrations demonstrations =
      *testing::RecordDemonstrations(testing::CartPoleSpec(), testing::BalancingExpert(), 0, 200);
  const TrainingInput input = CartPoleTraining(
      "algorithm: 'bc' policy: 'clone' dataset: 'demonstrations' seed: 5 network { hidden_sizes: [8] } "
      "bc { epochs: 1 minibatch_size: 1 }");
  ExpectTheSame(TrainOn(3, TrainBc, input, demonstrations), TrainOn(1, TrainBc, input, demonstrations), 1e-4f);
}

}  // namespace
}  // namespace understudy
