#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <limits>

#include "common/trajectory/trajectory_layout.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using testing::BatchOptions;
using testing::EpisodeBatch;
using testing::ExpectationOf;
using ::testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

// Overwrites one element of a column.
template <typename T>
void Put(std::string& column, size_t element, T value) {
  ASSERT_LE((element + 1) * sizeof(T), column.size());
  std::memcpy(column.data() + element * sizeof(T), &value, sizeof(T));
}

void ExpectRefused(const v1::TrajectoryBatch& batch, const BatchExpectation& expected, const std::string& message) {
  const absl::Status status = ValidateBatch(batch, expected);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(message));
}

// Two recorded episodes of three steps, valid before `change`.
void ExpectRefusedAfter(const std::function<void(v1::TrajectoryBatch&)>& change, const std::string& message) {
  const BatchOptions options = {.record = true};
  v1::TrajectoryBatch batch = EpisodeBatch({4, 5}, 3, options);
  ASSERT_TRUE(ValidateBatch(batch, ExpectationOf(options)).ok());
  change(batch);
  ExpectRefused(batch, ExpectationOf(options), message);
}

TEST(ValidateBatch, AcceptsWholeEpisodes) {
  for (const bool record : {false, true}) {
    const BatchOptions options = {.action_mode = v1::ACTION_MODE_GREEDY, .record = record};
    for (const int64_t steps : {1, 17, 500}) {
      const absl::Status status = ValidateBatch(EpisodeBatch({0, 1, 7}, steps, options), ExpectationOf(options));
      EXPECT_TRUE(status.ok()) << status;
    }
  }
}

TEST(ValidateBatch, AcceptsPiecesOfEpisodes) {
  const BatchOptions options;
  v1::TrajectoryBatch batch = EpisodeBatch({}, 1, options);
  v1::Trajectory piece;
  piece.set_slot(3);
  piece.set_first_step(100);
  piece.set_steps(400);
  piece.set_truncated(true);
  AddTrajectory(piece, options, batch);
  piece.set_terminated(true);  // both, on the last allowed step
  AddTrajectory(piece, options, batch);
  piece.set_steps(64);  // cut in the middle
  piece.set_truncated(false);
  piece.set_terminated(false);
  AddTrajectory(piece, options, batch);
  const absl::Status status = ValidateBatch(batch, ExpectationOf(options));
  EXPECT_TRUE(status.ok()) << status;
}

TEST(ValidateBatch, RefusesOtherStampsThanExpected) {
  ExpectRefusedAfter([](auto& batch) { batch.set_environment("Pong"); },
                     "batch environment: found \"Pong\", expected \"CartPole-v1\"");
  ExpectRefusedAfter([](auto& batch) { batch.set_policy("clone"); }, "found \"clone\", expected \"expert\"");
  ExpectRefusedAfter([](auto& batch) { batch.set_policy_version(2); }, "policy_version: found 2, expected 1");
  ExpectRefusedAfter([](auto& batch) { batch.set_action_mode(v1::ACTION_MODE_GREEDY); }, "batch action_mode: found 2");
}

TEST(ValidateBatch, KeepsHostileTextOutOfItsMessages) {
  ExpectRefusedAfter([](auto& batch) { batch.set_policy("a\nb"); }, "found \"a\\nb\"");
  ExpectRefusedAfter([](auto& batch) { batch.set_policy(std::string(1000, 'a')); },
                     "found \"" + std::string(64, 'a') + "\"…, expected");
}

TEST(ValidateBatch, RefusesABatchWithoutTrajectories) {
  ExpectRefused(EpisodeBatch({}, 1), ExpectationOf({}), "batch trajectories: found 0, expected 1 to 65536");
}

TEST(ValidateBatch, RefusesTooManyTrajectories) {
  ExpectRefused(EpisodeBatch(std::vector<int64_t>(kMaxTrajectoriesPerBatch + 1), 1), ExpectationOf({}), "found 65537");
}

TEST(ValidateBatch, RefusesColumnsAboveTheLimit) {
  v1::TrajectoryBatch batch = EpisodeBatch({0}, 1);
  batch.mutable_values()->resize(kMaxBatchBytes);
  ExpectRefused(batch, ExpectationOf({}), "expected at most 62914560");
}

TEST(ValidateBatch, RefusesImpossibleTrajectories) {
  ExpectRefusedAfter([](auto& batch) { batch.mutable_trajectories(1)->set_steps(0); },
                     "trajectory 1 steps: found 0, expected 1 to 500");
  ExpectRefusedAfter([](auto& batch) { batch.mutable_trajectories(0)->set_steps(-3); }, "trajectory 0 steps: found -3");
  ExpectRefusedAfter([](auto& batch) { batch.mutable_trajectories(0)->set_steps(501); }, "steps: found 501");
  ExpectRefusedAfter([](auto& batch) { batch.mutable_trajectories(0)->set_steps(kHuge); }, "expected 1 to 500");
  ExpectRefusedAfter([](auto& batch) { batch.mutable_trajectories(0)->set_slot(-1); }, "slot: found -1");
  ExpectRefusedAfter([](auto& batch) { batch.mutable_trajectories(0)->set_episode(-1); }, "episode: found -1");
  ExpectRefusedAfter([](auto& batch) { batch.mutable_trajectories(0)->set_first_step(-1); }, "first_step: found -1");
  ExpectRefusedAfter([](auto& batch) { batch.mutable_trajectories(0)->set_first_step(498); },
                     "first_step: found 498, expected 0 to 497");
  ExpectRefusedAfter([](auto& batch) { batch.mutable_trajectories(0)->set_first_step(kHuge); }, "expected 0 to 497");
}

TEST(ValidateBatch, RefusesTruncationAnywhereButAtTheLimit) {
  ExpectRefusedAfter([](auto& batch) { batch.mutable_trajectories(0)->set_truncated(true); },
                     "trajectory 0 truncated: found true");
  ExpectRefusedAfter([](auto& batch) { batch.mutable_trajectories(1)->set_first_step(497); },
                     "trajectory 1 truncated: found false, expected true after 500 steps");
}

TEST(ValidateBatch, RefusesStepsWhoseSumWouldOverflow) {
  // An environment without a practical limit does not bound the steps of a trajectory.
  v1::TrajectoryBatch batch = EpisodeBatch({0, 1, 2}, 1);
  for (v1::Trajectory& trajectory : *batch.mutable_trajectories()) trajectory.set_steps(kHuge - 1);
  BatchExpectation expected = ExpectationOf({});
  expected.environment.set_max_episode_steps(kHuge);
  ExpectRefused(batch, expected, "batch steps: found more than 62914560");
}

TEST(ValidateBatch, RefusesColumnsOfWrongLength) {
  ExpectRefusedAfter([](auto& batch) { batch.mutable_observations()->resize(124); },
                     "column observations: found 124 bytes, expected 128");
  ExpectRefusedAfter([](auto& batch) { batch.mutable_observations()->push_back('x'); }, "found 129 bytes");
  ExpectRefusedAfter([](auto& batch) { batch.clear_actions(); }, "column actions: found 0 bytes, expected 24");
  ExpectRefusedAfter([](auto& batch) { batch.mutable_rewards()->resize(28); }, "column rewards: found 28 bytes");
  ExpectRefusedAfter([](auto& batch) { batch.clear_log_probs(); }, "column log_probs: found 0 bytes, expected 24");
  ExpectRefusedAfter([](auto& batch) { batch.mutable_logits()->resize(24); }, "found 24 bytes, expected 48");
  ExpectRefusedAfter([](auto& batch) { batch.clear_values(); }, "column values: found 0 bytes, expected 24");
}

TEST(ValidateBatch, RefusesRecordedColumnsThatNobodyAskedFor) {
  const v1::TrajectoryBatch recorded = EpisodeBatch({0}, 3, {.record = true});
  BatchExpectation expected = ExpectationOf({.record = true});
  expected.record_value = false;
  ExpectRefused(recorded, expected, "column values: found 12 bytes, expected 0");
  expected = ExpectationOf({.record = true});
  expected.record_logits = false;
  ExpectRefused(recorded, expected, "column logits: found 24 bytes, expected 0");
}

TEST(ValidateBatch, RefusesNumbersThatAreNotFiniteWhereverTheyAre) {
  for (const float bad : {kNan, -kNan, kInfinity, -kInfinity}) {
    for (const size_t element : {0, 5, 31}) {
      ExpectRefusedAfter([=](auto& batch) { Put(*batch.mutable_observations(), element, bad); },
                         "column observations element " + std::to_string(element) + ": found ");
    }
    ExpectRefusedAfter([=](auto& batch) { Put(*batch.mutable_rewards(), 5, bad); }, "column rewards element 5");
    ExpectRefusedAfter([=](auto& batch) { Put(*batch.mutable_log_probs(), 0, bad); }, "column log_probs element 0");
    ExpectRefusedAfter([=](auto& batch) { Put(*batch.mutable_logits(), 11, bad); }, "column logits element 11");
    ExpectRefusedAfter([=](auto& batch) { Put(*batch.mutable_values(), 3, bad); }, "column values element 3");
  }
}

TEST(ValidateBatch, AcceptsTheLargestAndSmallestFiniteNumbers) {
  v1::TrajectoryBatch batch = EpisodeBatch({0}, 3);
  Put(*batch.mutable_observations(), 0, std::numeric_limits<float>::max());
  Put(*batch.mutable_observations(), 1, std::numeric_limits<float>::lowest());
  Put(*batch.mutable_observations(), 2, std::numeric_limits<float>::denorm_min());
  Put(*batch.mutable_observations(), 3, -0.0f);
  EXPECT_TRUE(ValidateBatch(batch, ExpectationOf({})).ok());
}

TEST(ValidateBatch, RefusesActionsOutsideTheSpace) {
  for (const int32_t bad : {-1, 2, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()}) {
    ExpectRefusedAfter([=](auto& batch) { Put(*batch.mutable_actions(), 5, bad); },
                       "column actions element 5: found " + std::to_string(bad) + ", expected 0 to 1");
  }
}

TEST(ValidateBatch, RefusesLogProbabilitiesAboveZeroButForRounding) {
  v1::TrajectoryBatch batch = EpisodeBatch({0}, 3);
  Put(*batch.mutable_log_probs(), 0, 1e-6f);
  EXPECT_TRUE(ValidateBatch(batch, ExpectationOf({})).ok());
  ExpectRefusedAfter([](auto& b) { Put(*b.mutable_log_probs(), 4, 0.01f); }, "column log_probs element 4: found 0.01");
}

// One trajectory of two steps whose actions are pairs in [-1, 1] × (-∞, 5].
v1::TrajectoryBatch BoxActionBatch(const std::vector<float>& actions) {
  v1::TrajectoryBatch batch = EpisodeBatch({0}, 2);
  batch.set_actions(std::string(reinterpret_cast<const char*>(actions.data()), actions.size() * sizeof(float)));
  return batch;
}

BatchExpectation BoxActionExpectation() {
  BatchExpectation expected = ExpectationOf({});
  v1::Space::Box& box = *expected.environment.mutable_action_space()->mutable_box();
  box.add_shape(2);
  for (const float low : {-1.0f, -kInfinity}) box.add_low(low);
  for (const float high : {1.0f, 5.0f}) box.add_high(high);
  return expected;
}

TEST(ValidateBatch, ChecksBoxActionsAgainstTheirBounds) {
  const BatchExpectation expected = BoxActionExpectation();
  const absl::Status status = ValidateBatch(BoxActionBatch({-1, -1e30f, 1, 5}), expected);
  EXPECT_TRUE(status.ok()) << status;
  ExpectRefused(BoxActionBatch({0, 0, 1.5f, 0}), expected, "column actions element 2: found 1.5, expected -1 to 1");
  ExpectRefused(BoxActionBatch({0, 0, 0, 6}), expected, "column actions element 3: found 6");
  ExpectRefused(BoxActionBatch({0, kNan, 0, 0}), expected, "column actions element 1: found nan");
  ExpectRefused(BoxActionBatch({0, -kInfinity, 0, 0}), expected, "expected a finite number");
  ExpectRefused(BoxActionBatch({0, 0, 0}), expected, "column actions: found 12 bytes, expected 16");
}

TEST(ValidateBatch, AcceptsAnyFiniteActionInAnUnboundedBox) {
  BatchExpectation expected = BoxActionExpectation();
  expected.environment.mutable_action_space()->mutable_box()->clear_low();
  expected.environment.mutable_action_space()->mutable_box()->clear_high();
  EXPECT_TRUE(ValidateBatch(BoxActionBatch({-100, 100, 1e30f, 0}), expected).ok());
  ExpectRefused(BoxActionBatch({0, 0, 0, kInfinity}), expected, "column actions element 3");
}

}  // namespace
}  // namespace understudy
