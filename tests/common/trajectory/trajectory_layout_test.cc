#include "common/trajectory/trajectory_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using testing::CartPoleSpec;
using ::testing::ElementsAre;
using testing::EpisodeBatch;
using ::testing::IsEmpty;

template <typename T>
std::string Column(const std::vector<T>& numbers) {
  return std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T));
}

v1::EnvironmentSpec SpecOf(int64_t observation_size, int32_t actions) {
  v1::EnvironmentSpec spec;
  spec.mutable_observation_space()->mutable_box()->add_shape(observation_size);
  spec.mutable_action_space()->mutable_discrete()->set_n(actions);
  return spec;
}

// Trajectories of one and two steps, observations of one number, three actions.
v1::TrajectoryBatch HandMadeBatch() {
  v1::TrajectoryBatch batch;
  batch.add_trajectories()->set_steps(1);
  batch.add_trajectories()->set_steps(2);
  batch.set_observations(Column<float>({10, 11, 20, 21, 22}));
  batch.set_actions(Column<int32_t>({0, 1, 2}));
  batch.set_rewards(Column<float>({0.5, 1.5, 2.5}));
  batch.set_log_probs(Column<float>({-1, -2, -3}));
  batch.set_logits(Column<float>({1, 2, 3, 4, 5, 6, 7, 8, 9}));
  batch.set_values(Column<float>({100, 200, 300}));
  return batch;
}

std::vector<int32_t> Actions(const TrajectoryView& view) {
  std::vector<int32_t> actions(view.actions.size() / sizeof(int32_t));
  std::memcpy(actions.data(), view.actions.data(), view.actions.size());
  return actions;
}

TEST(ActionBytes, IsFourForDiscreteAndFourAnElementForBox) {
  EXPECT_EQ(ActionBytes(CartPoleSpec()), 4);
  v1::EnvironmentSpec box;
  box.mutable_action_space()->mutable_box()->add_shape(2);
  box.mutable_action_space()->mutable_box()->add_shape(3);
  EXPECT_EQ(ActionBytes(box), 24);
}

TEST(ViewTrajectories, GivesEveryTrajectoryItsPartOfEachColumn) {
  const v1::TrajectoryBatch batch = HandMadeBatch();
  const std::vector<TrajectoryView> views = ViewTrajectories(batch, SpecOf(1, 3));
  ASSERT_EQ(views.size(), 2u);
  EXPECT_EQ(views[0].trajectory, &batch.trajectories(0));
  EXPECT_THAT(views[0].observations, ElementsAre(10, 11));
  EXPECT_THAT(Actions(views[0]), ElementsAre(0));
  EXPECT_THAT(views[0].rewards, ElementsAre(0.5));
  EXPECT_THAT(views[0].log_probs, ElementsAre(-1));
  EXPECT_THAT(views[0].logits, ElementsAre(1, 2, 3));
  EXPECT_THAT(views[0].values, ElementsAre(100));
  EXPECT_EQ(views[1].trajectory, &batch.trajectories(1));
  EXPECT_THAT(views[1].observations, ElementsAre(20, 21, 22));
  EXPECT_THAT(Actions(views[1]), ElementsAre(1, 2));
  EXPECT_THAT(views[1].rewards, ElementsAre(1.5, 2.5));
  EXPECT_THAT(views[1].log_probs, ElementsAre(-2, -3));
  EXPECT_THAT(views[1].logits, ElementsAre(4, 5, 6, 7, 8, 9));
  EXPECT_THAT(views[1].values, ElementsAre(200, 300));
}

TEST(ViewTrajectories, LeavesColumnsThatWereNotRecordedEmpty) {
  const v1::TrajectoryBatch batch = EpisodeBatch({0, 1}, 5);
  for (const TrajectoryView& view : ViewTrajectories(batch, CartPoleSpec())) {
    EXPECT_EQ(view.observations.size(), 24u);
    EXPECT_THAT(view.logits, IsEmpty());
    EXPECT_THAT(view.values, IsEmpty());
  }
}

TEST(AppendTrajectory, RebuildsABatchInAnyOrder) {
  const v1::TrajectoryBatch batch = HandMadeBatch();
  const std::vector<TrajectoryView> views = ViewTrajectories(batch, SpecOf(1, 3));
  v1::TrajectoryBatch reversed;
  AppendTrajectory(views[1], reversed);
  AppendTrajectory(views[0], reversed);
  ASSERT_EQ(reversed.trajectories_size(), 2);
  EXPECT_EQ(reversed.trajectories(0).steps(), 2);
  EXPECT_EQ(reversed.trajectories(1).steps(), 1);
  EXPECT_EQ(reversed.observations(), Column<float>({20, 21, 22, 10, 11}));
  EXPECT_EQ(reversed.actions(), Column<int32_t>({1, 2, 0}));
  EXPECT_EQ(reversed.rewards(), Column<float>({1.5, 2.5, 0.5}));
  EXPECT_EQ(reversed.log_probs(), Column<float>({-2, -3, -1}));
  EXPECT_EQ(reversed.logits(), Column<float>({4, 5, 6, 7, 8, 9, 1, 2, 3}));
  EXPECT_EQ(reversed.values(), Column<float>({200, 300, 100}));
}

TEST(UndiscountedReturn, SumsTheRewardsInDouble) {
  const v1::TrajectoryBatch batch = HandMadeBatch();
  EXPECT_EQ(UndiscountedReturn(ViewTrajectories(batch, SpecOf(1, 3))[1]), 4.0);
  // In float, the small rewards would vanish beside the large one.
  const std::vector<float> rewards = {16777216, 1, 1, 1};
  TrajectoryView view;
  view.rewards = rewards;
  EXPECT_EQ(UndiscountedReturn(view), 16777219.0);
}

}  // namespace
}  // namespace understudy
