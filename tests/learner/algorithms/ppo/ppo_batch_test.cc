#include "learner/algorithms/ppo/ppo_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "learner/backpropagation/backpropagation.h"
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

PpoBatch Make(const std::vector<v1::TrajectoryBatch>& batches, const AdvantageOptions& options, int threads = 1) {
  const Policy critic = Critic();
  const auto backpropagation = MakeBackpropagation(critic.header(), "cpu", threads).value();
  return MakePpoBatch(batches, CartPoleSpec(), critic, options, *backpropagation);
}

float RewardOf(const std::vector<v1::TrajectoryBatch>& batches, size_t step) {
  return ViewTrajectories(batches[0], CartPoleSpec())[0].rewards[step];
}

TEST(PpoBatch, ReadsEachStepsObservationWhereItCameIn) {
  const auto batches = Segments({Piece(0, 2, true, false), Piece(0, 1, false, false), Piece(1, 3, false, true)});
  const PpoBatch batch = Make(batches, kOneStep);
  EXPECT_EQ(batch.steps(), 6u);
  EXPECT_EQ(batch.observation_size, 4u);
  const auto* const first = reinterpret_cast<const float*>(batches[0].observations().data());
  // The final observations, in rows 2, 4 and 8, are no step's.
  EXPECT_THAT(batch.observations,
              ElementsAre(first, first + 1 * 4, first + 3 * 4, first + 5 * 4, first + 6 * 4, first + 7 * 4));
}

TEST(PpoBatch, OnlyATerminationEndsTheBootstrap) {
  struct Case {
    bool terminated, truncated, bootstraps;
  };
  for (const Case& c :
       {Case{true, false, false}, Case{false, true, true}, Case{true, true, false}, Case{false, false, true}}) {
    const auto batches = Segments({Piece(0, 1, c.terminated, c.truncated)});
    const PpoBatch batch = Make(batches, kOneStep);
    std::vector<float> values(2);
    Critic().Infer(ViewTrajectories(batches[0], CartPoleSpec())[0].observations, {.logits = {}, .values = values});
    const float first = values[0];
    const float final = c.bootstraps ? values[1] : 0.0f;
    EXPECT_NEAR(batch.values[0], first, 1e-6);
    EXPECT_NEAR(batch.advantages[0], RewardOf(batches, 0) + final - first, 1e-5) << c.terminated << c.truncated;
    EXPECT_NEAR(batch.returns[0], RewardOf(batches, 0) + final, 1e-5);
  }
}

TEST(PpoBatch, TrajectoriesDoNotLeakIntoEachOther) {
  const PpoBatch alone = Make(Segments({Piece(0, 3, false, false)}), {.gamma = 0.9, .lambda = 0.9});
  const PpoBatch followed =
      Make(Segments({Piece(0, 3, false, false), Piece(1, 5, true, false)}), {.gamma = 0.9, .lambda = 0.9});
  for (int i = 0; i < 3; ++i) EXPECT_NEAR(alone.advantages[i], followed.advantages[i], 1e-5);
}

TEST(PpoBatch, HasTheSameBitsForEveryNumberOfThreads) {
  std::vector<v1::Trajectory> pieces;
  for (int64_t slot = 0; slot < 20; ++slot) pieces.push_back(Piece(slot, 1 + slot * 7 % 90, slot % 3 == 0, false));
  const auto batches = Segments(pieces);
  const PpoBatch expected = Make(batches, {.gamma = 0.9, .lambda = 0.9}, /*threads=*/1);
  const PpoBatch found = Make(batches, {.gamma = 0.9, .lambda = 0.9}, /*threads=*/3);
  EXPECT_EQ(found.values, expected.values);
  EXPECT_EQ(found.advantages, expected.advantages);
  EXPECT_EQ(found.returns, expected.returns);
}

TEST(PpoMinibatch, GathersTheChosenSteps) {
  const std::vector<float> rows = {0, 1, 2, 3, 4, 5, 6, 7};
  PpoBatch batch{.observation_size = 2,
                 .observations = {&rows[0], &rows[4], &rows[6]},
                 .actions = {5, 6, 7},
                 .log_probs = {-1, -2, -3},
                 .values = {10, 20, 30},
                 .advantages = {1, 2, 3},
                 .returns = {11, 22, 33}};
  PpoMinibatch minibatch;
  minibatch.Gather(batch, std::vector<uint32_t>{2, 0}, false);
  EXPECT_THAT(minibatch.observations(), ElementsAre(6, 7, 0, 1));
  EXPECT_THAT(minibatch.samples().actions, ElementsAre(7, 5));
  EXPECT_THAT(minibatch.samples().log_probs, ElementsAre(-3, -1));
  EXPECT_THAT(minibatch.samples().values, ElementsAre(30, 10));
  EXPECT_THAT(minibatch.samples().advantages, ElementsAre(3, 1));
  EXPECT_THAT(minibatch.samples().returns, ElementsAre(33, 11));
  minibatch.Gather(batch, std::vector<uint32_t>{1}, false);
  EXPECT_THAT(minibatch.observations(), ElementsAre(4, 5));
  EXPECT_THAT(minibatch.samples().actions, ElementsAre(6));
}

TEST(PpoMinibatch, NormalisedAdvantagesHaveMeanZeroAndVarianceOne) {
  const float zero = 0;
  PpoBatch batch{.observation_size = 1,
                 .observations = {&zero, &zero, &zero},
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
