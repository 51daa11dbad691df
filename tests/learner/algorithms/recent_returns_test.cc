#include "learner/algorithms/recent_returns.h"

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

TEST(RecentReturns, CarriesAnEpisodeAcrossSegments) {
  RecentReturns returns(2);
  returns.Add(Piece(1, 0, 10, false), testing::CartPoleSpec());
  EXPECT_FALSE(returns.Mean().has_value());
  returns.Add(Piece(1, 10, 10, false), testing::CartPoleSpec());
  returns.Add(Piece(1, 20, 3, true), testing::CartPoleSpec());
  EXPECT_DOUBLE_EQ(returns.Mean().value(), 23);
}

TEST(RecentReturns, SlotsAreApartAndBothWaysOfEndingCount) {
  RecentReturns returns(2);
  returns.Add(Piece(0, 0, 10, false), testing::CartPoleSpec());
  returns.Add(Piece(1, 0, 4, false, true), testing::CartPoleSpec());
  returns.Add(Piece(0, 10, 2, true), testing::CartPoleSpec());
  returns.Add(Piece(1, 0, 6, true, true), testing::CartPoleSpec());
  EXPECT_DOUBLE_EQ(returns.Mean().value(), (4 + 12 + 6) / 3.0);
}

TEST(RecentReturns, ForgetsAllButTheLastHundred) {
  RecentReturns returns(1);
  for (int i = 0; i < 50; ++i) returns.Add(Piece(0, 0, 100, true), testing::CartPoleSpec());
  for (int i = 0; i < 100; ++i) returns.Add(Piece(0, 0, 7, true), testing::CartPoleSpec());
  EXPECT_DOUBLE_EQ(returns.Mean().value(), 7);
}

TEST(RecentReturns, GoOnFromACheckpoint) {
  RecentReturns whole(2);
  whole.Add(Piece(0, 0, 10, true), testing::CartPoleSpec());
  whole.Add(Piece(1, 0, 4, false), testing::CartPoleSpec());
  v1::PpoState state;
  whole.Save(state);
  RecentReturns restored(2);
  restored.Restore(state);
  restored.Add(Piece(1, 4, 2, true), testing::CartPoleSpec());
  EXPECT_DOUBLE_EQ(restored.Mean().value(), (10 + 6) / 2.0);
}

}  // namespace
}  // namespace understudy
