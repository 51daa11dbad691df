#include "actor/trajectory_recorder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

namespace understudy {
namespace {

template <typename Number>
std::vector<Number> Column(const std::string& bytes) {
  std::vector<Number> numbers(bytes.size() / sizeof(Number));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

TEST(TrajectoryRecorder, KeepsOneObservationMoreThanSteps) {
  TrajectoryRecorder recorder;
  const std::vector<float> first = {1, 2}, second = {3, 4}, third = {5, 6}, reset = {7, 8}, last = {9, 10};
  recorder.Begin(4, 2, 30, first);
  recorder.Add({.action = 1, .reward = 0.5f, .log_prob = -0.1f, .next_observation = second});
  recorder.Add({.action = 0, .reward = 1.5f, .log_prob = -0.2f, .next_observation = third});
  recorder.End(/*terminated=*/true, /*truncated=*/false);
  recorder.Begin(4, 3, 0, reset);
  recorder.Add({.action = 1, .reward = 2.5f, .log_prob = -0.3f, .next_observation = last});
  EXPECT_EQ(recorder.bytes(), (5 * 2 + 3 * 3) * 4);

  v1::TrajectoryBatch batch;
  recorder.MoveTo(batch);
  EXPECT_EQ(recorder.bytes(), 0);
  ASSERT_EQ(batch.trajectories_size(), 2);
  EXPECT_EQ(batch.trajectories(0).slot(), 4);
  EXPECT_EQ(batch.trajectories(0).episode(), 2);
  EXPECT_EQ(batch.trajectories(0).first_step(), 30);
  EXPECT_EQ(batch.trajectories(0).steps(), 2);
  EXPECT_TRUE(batch.trajectories(0).terminated());
  EXPECT_FALSE(batch.trajectories(1).terminated() || batch.trajectories(1).truncated());
  EXPECT_EQ(Column<float>(batch.observations()), (std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
  EXPECT_EQ(Column<int32_t>(batch.actions()), (std::vector<int32_t>{1, 0, 1}));
  EXPECT_EQ(Column<float>(batch.rewards()), (std::vector<float>{0.5f, 1.5f, 2.5f}));
  EXPECT_EQ(Column<float>(batch.log_probs()), (std::vector<float>{-0.1f, -0.2f, -0.3f}));
  EXPECT_EQ(batch.logits(), "");
  EXPECT_EQ(batch.values(), "");
}

TEST(TrajectoryRecorder, RecordsLogitsAndValuesWhereTheyAreGiven) {
  TrajectoryRecorder recorder;
  const std::vector<float> observation = {1}, logits = {0.25f, -0.75f}, value = {12};
  recorder.Begin(0, 0, 0, observation);
  recorder.Add({.logits = logits, .value = value, .next_observation = observation});
  v1::TrajectoryBatch batch;
  recorder.MoveTo(batch);
  EXPECT_EQ(Column<float>(batch.logits()), logits);
  EXPECT_EQ(Column<float>(batch.values()), value);
}

TEST(TrajectoryRecorder, AppendsToWhatABatchHas) {
  TrajectoryRecorder recorder;
  const std::vector<float> observation = {1};
  v1::TrajectoryBatch batch;
  for (int i = 0; i < 2; ++i) {
    recorder.Begin(0, i, 0, observation);
    recorder.Add({.next_observation = observation});
    recorder.End(false, true);
    recorder.MoveTo(batch);
  }
  EXPECT_EQ(batch.trajectories_size(), 2);
  EXPECT_EQ(batch.observations().size(), 4 * sizeof(float));
}

}  // namespace
}  // namespace understudy
