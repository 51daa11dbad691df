#include "learner/algorithms/ppo/recent_returns.h"

#include <gtest/gtest.h>

#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

// One piece of `steps` steps, each worth 1, from `first_step` of its episode on.
v1::TrajectoryBatch Piece(int64_t slot, int64_t first_step, int64_t steps, bool terminated, bool truncated = false) {
  v1::Trajectory piece;
  piece.set_slot(slot);
  piece.set_first_step(first_step);
  piece.set_steps(steps);
  piece.set_terminated(terminated);
  piece.set_truncated(truncated);
  v1::TrajectoryBatch batch = testing::EpisodeBatch({}, 1);
  testing::AddTrajectory(piece, {}, batch);
  return batch;
}

void Add(RecentReturns& returns, const v1::TrajectoryBatch& batch) {
  for (const double finished : returns.Add(batch, testing::CartPoleSpec())) returns.AddFinished(finished);
}

TEST(RecentReturns, CarriesAnEpisodeAcrossSegments) {
  RecentReturns returns(2);
  Add(returns, Piece(1, 0, 10, false));
  EXPECT_FALSE(returns.Mean().has_value());
  Add(returns, Piece(1, 10, 10, false));
  Add(returns, Piece(1, 20, 3, true));
  EXPECT_DOUBLE_EQ(returns.Mean().value(), 23);
}

TEST(RecentReturns, SlotsAreApartAndBothWaysOfEndingCount) {
  RecentReturns returns(2);
  Add(returns, Piece(0, 0, 10, false));
  Add(returns, Piece(1, 0, 4, false, true));
  Add(returns, Piece(0, 10, 2, true));
  Add(returns, Piece(1, 0, 6, true, true));
  EXPECT_DOUBLE_EQ(returns.Mean().value(), (4 + 12 + 6) / 3.0);
}

TEST(RecentReturns, ForgetsAllButTheLastHundred) {
  RecentReturns returns(1);
  for (int i = 0; i < 50; ++i) Add(returns, Piece(0, 0, 100, true));
  for (int i = 0; i < 100; ++i) Add(returns, Piece(0, 0, 7, true));
  EXPECT_DOUBLE_EQ(returns.Mean().value(), 7);
}

TEST(RecentReturns, GoOnFromACheckpoint) {
  RecentReturns whole(2);
  Add(whole, Piece(0, 0, 10, true));
  Add(whole, Piece(1, 0, 4, false));
  v1::PpoState state;
  whole.SaveRunning({.begin = 0, .end = 2}, state);
  whole.SaveFinished(state);
  RecentReturns restored(2);
  restored.Restore(state);
  Add(restored, Piece(1, 4, 2, true));
  EXPECT_DOUBLE_EQ(restored.Mean().value(), (10 + 6) / 2.0);
}

TEST(RecentReturns, OfTwoRanksMakeACheckpointTogether) {
  RecentReturns first(3), second(3);
  Add(first, Piece(0, 0, 5, false));
  Add(second, Piece(1, 0, 6, false));
  Add(second, Piece(2, 0, 7, false));
  v1::PpoState state, other;
  first.SaveRunning({.begin = 0, .end = 1}, state);
  second.SaveRunning({.begin = 1, .end = 3}, other);
  state.MergeFrom(other);
  RecentReturns restored(3);
  restored.Restore(state);
  Add(restored, Piece(2, 7, 1, true));
  EXPECT_DOUBLE_EQ(restored.Mean().value(), 8);
}

}  // namespace
}  // namespace understudy
