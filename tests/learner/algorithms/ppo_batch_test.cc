#include "learner/algorithms/ppo_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/testing/training_inputs.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using testing::CartPoleSpec;
using ::testing::ElementsAre;

constexpr AdvantageOptions kOneStep{.gamma = 1, .lambda = 0};

v1::Trajectory Piece(int64_t slot, int64_t steps, bool terminated, bool truncated) {
  v1::Trajectory piece;
  piece.set_slot(slot);
  piece.set_steps(steps);
  piece.set_terminated(terminated);
  piece.set_truncated(truncated);
  return piece;
}

std::vector<v1::TrajectoryBatch> Segments(const std::vector<v1::Trajectory>& pieces) {
  std::vector<v1::TrajectoryBatch> batches(1, testing::EpisodeBatch({}, 1));
  for (const v1::Trajectory& piece : pieces) testing::AddTrajectory(piece, {}, batches[0]);
  return batches;
}

Policy Critic() { return *Policy::FromSnapshot(*testing::BalancingExpert()); }

float RewardOf(const std::vector<v1::TrajectoryBatch>& batches, size_t step) {
  return ViewTrajectories(batches[0], CartPoleSpec())[0].rewards[step];
}

TEST(PpoBatch, KeepsEveryObservationAndKnowsWhereEachStepsIs) {
  const auto batches = Segments({Piece(0, 2, true, false), Piece(0, 1, false, false), Piece(1, 3, false, true)});
  const PpoBatch batch = MakePpoBatch(batches, CartPoleSpec(), Critic(), kOneStep);
  EXPECT_EQ(batch.steps(), 6);
  EXPECT_EQ(batch.observations.sizes(), at::IntArrayRef({9, 4}));
  EXPECT_THAT(batch.rows, ElementsAre(0, 1, 3, 5, 6, 7));
  const std::string& bytes = batches[0].observations();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(batch.observations.data_ptr<float>()), bytes.size()), bytes);
}

TEST(PpoBatch, OnlyATerminationEndsTheBootstrap) {
  struct Case {
    bool terminated, truncated, bootstraps;
  };
  for (const Case& c :
       {Case{true, false, false}, Case{false, true, true}, Case{true, true, false}, Case{false, false, true}}) {
    const auto batches = Segments({Piece(0, 1, c.terminated, c.truncated)});
    const PpoBatch batch = MakePpoBatch(batches, CartPoleSpec(), Critic(), kOneStep);
    const at::Tensor values = Critic().Infer(batch.observations, true).values;
    const float first = values[0].item<float>();
    const float final = c.bootstraps ? values[1].item<float>() : 0.0f;
    EXPECT_NEAR(batch.values[0], first, 1e-6);
    EXPECT_NEAR(batch.advantages[0], RewardOf(batches, 0) + final - first, 1e-5) << c.terminated << c.truncated;
    EXPECT_NEAR(batch.returns[0], RewardOf(batches, 0) + final, 1e-5);
  }
}

TEST(PpoBatch, TrajectoriesDoNotLeakIntoEachOther) {
  const PpoBatch alone =
      MakePpoBatch(Segments({Piece(0, 3, false, false)}), CartPoleSpec(), Critic(), {.gamma = 0.9, .lambda = 0.9});
  const PpoBatch followed = MakePpoBatch(Segments({Piece(0, 3, false, false), Piece(1, 5, true, false)}),
                                         CartPoleSpec(), Critic(), {.gamma = 0.9, .lambda = 0.9});
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(alone.advantages[i], followed.advantages[i], 1e-5);
}

TEST(PpoMinibatch, GathersTheChosenSteps) {
  PpoBatch batch{.observations = at::arange(8, at::kFloat).view({4, 2}),
                 .rows = {0, 2, 3},
                 .actions = {5, 6, 7},
                 .log_probs = {-1, -2, -3},
                 .values = {10, 20, 30},
                 .advantages = {1, 2, 3},
                 .returns = {11, 22, 33}};
  PpoMinibatch minibatch;
  minibatch.Gather(batch, std::vector<uint32_t>{2, 0}, false);
  EXPECT_TRUE(minibatch.observations().equal(at::tensor({6.0f, 7.0f, 0.0f, 1.0f}).view({2, 2})));
  EXPECT_THAT(minibatch.samples().actions, ElementsAre(7, 5));
  EXPECT_THAT(minibatch.samples().log_probs, ElementsAre(-3, -1));
  EXPECT_THAT(minibatch.samples().values, ElementsAre(30, 10));
  EXPECT_THAT(minibatch.samples().advantages, ElementsAre(3, 1));
  EXPECT_THAT(minibatch.samples().returns, ElementsAre(33, 11));
  minibatch.Gather(batch, std::vector<uint32_t>{1}, false);
  EXPECT_EQ(minibatch.observations().size(0), 1);
  EXPECT_THAT(minibatch.samples().actions, ElementsAre(6));
}

TEST(PpoMinibatch, NormalisedAdvantagesHaveMeanZeroAndVarianceOne) {
  PpoBatch batch{.observations = at::zeros({3, 1}),
                 .rows = {0, 1, 2},
                 .actions = {0, 0, 0},
                 .log_probs = {0, 0, 0},
                 .values = {0, 0, 0},
                 .advantages = {1, 2, 6},
                 .returns = {0, 0, 0}};
  PpoMinibatch minibatch;
  minibatch.Gather(batch, std::vector<uint32_t>{0, 1, 2}, true);
  const double deviation = std::sqrt(14.0 / 3);  // of 1, 2, 6 from their mean 3
  EXPECT_NEAR(minibatch.samples().advantages[0], -2 / deviation, 1e-6);
  EXPECT_NEAR(minibatch.samples().advantages[2], 3 / deviation, 1e-6);
  minibatch.Gather(batch, std::vector<uint32_t>{2}, true);
  EXPECT_EQ(minibatch.samples().advantages[0], 6);
}

TEST(ExplainedVariance, IsOneForAPerfectCriticAndZeroForAConstantOne) {
  PpoBatch batch;
  batch.returns = {1, 2, 6};
  batch.advantages = {0, 0, 0};
  EXPECT_DOUBLE_EQ(ExplainedVariance(batch), 1);
  batch.advantages = {-4, -3, 1};  // values are all 5
  EXPECT_NEAR(ExplainedVariance(batch), 0, 1e-9);
  batch.returns = {2, 2, 2};
  EXPECT_EQ(ExplainedVariance(batch), 0);
}

}  // namespace
}  // namespace understudy
