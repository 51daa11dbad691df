#include "common/rollouts/segment_order.h"

#include <gtest/gtest.h>

#include <functional>
#include <utility>

#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::understudy::testing::AddTrajectory;
using ::understudy::testing::ExpectationOf;

constexpr int64_t kSteps = 8;

SegmentOrderOptions Slots(int64_t slots) {
  return {.expectation = ExpectationOf({}), .seed = 4, .slots = slots, .steps = kSteps};
}

v1::SlotState State(int64_t slot, int64_t steps, int64_t episode, int64_t episode_step) {
  v1::SlotState state;
  state.set_slot(slot);
  state.set_steps(steps);
  state.set_episode(episode);
  state.set_episode_step(episode_step);
  state.set_environment("state");
  return state;
}

v1::Trajectory Piece(int64_t slot, int64_t episode, int64_t first_step, int64_t steps, bool terminated) {
  v1::Trajectory piece;
  piece.set_slot(slot);
  piece.set_episode(episode);
  piece.set_first_step(first_step);
  piece.set_steps(steps);
  piece.set_terminated(terminated);
  return piece;
}

void Add(const v1::Trajectory& piece, v1::RolloutResult& result) { AddTrajectory(piece, {}, *result.mutable_batch()); }

// Slots that begin: three steps of a first episode, then the rest of the segment of a second.
v1::RolloutResult Result(uint64_t request, int64_t begin, int64_t end) {
  v1::RolloutResult result;
  result.set_request_id(request);
  for (int64_t slot = begin; slot < end; ++slot) {
    Add(Piece(slot, 0, 0, 3, true), result);
    Add(Piece(slot, 1, 0, kSteps - 3, false), result);
    *result.add_states() = State(slot, kSteps, 1, kSteps - 3);
  }
  return result;
}

TEST(SegmentOrder, SharesItsSlotsEvenly) {
  SegmentOrder order(Slots(5));
  EXPECT_EQ(order.Next(1, 2)->segments().end(), 3);
  const v1::RolloutRequest second = order.Next(2, 2).value();
  EXPECT_EQ(second.segments().begin(), 3);
  EXPECT_EQ(second.segments().end(), 5);
  EXPECT_EQ(second.segments().steps(), kSteps);
  EXPECT_EQ(second.purpose(), v1::ROLLOUT_PURPOSE_TRAINING);
  EXPECT_EQ(second.segments().states_size(), 0);
  EXPECT_FALSE(order.Next(3, 2).has_value());
}

TEST(SegmentOrder, SendsTheStatesOfTheSlotsThatItAsksFor) {
  SegmentOrderOptions options = Slots(3);
  for (int64_t slot = 0; slot < 3; ++slot) options.states.push_back(State(slot, 10 * slot, 0, 10 * slot));
  options.slots_per_request = 2;
  SegmentOrder order(options);
  EXPECT_EQ(order.Next(1, 1)->segments().states_size(), 2);
  const v1::RolloutRequest second = order.Next(2, 1).value();
  ASSERT_EQ(second.segments().states_size(), 1);
  EXPECT_EQ(second.segments().states(0).slot(), 2);
  EXPECT_EQ(second.segments().states(0).steps(), 20);
}

TEST(SegmentOrder, GivesBatchesAndStatesInSlotOrderWhateverTheArrival) {
  SegmentOrder order(Slots(4));
  order.Next(1, 2);
  order.Next(2, 2);
  EXPECT_EQ(order.Accept(Result(2, 2, 4))->accepted, 4);
  EXPECT_EQ(order.Accept(Result(1, 1, 2))->accepted, 2);
  EXPECT_FALSE(order.done());
  EXPECT_EQ(order.Accept(Result(1, 0, 1))->accepted, 2);
  EXPECT_TRUE(order.done());
  const std::vector<v1::TrajectoryBatch> batches = order.TakeBatches();
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(batches[0].trajectories(0).slot(), 0);
  EXPECT_EQ(batches[1].trajectories(0).slot(), 1);
  EXPECT_EQ(batches[2].trajectories(0).slot(), 2);
  const std::vector<v1::SlotState> states = order.TakeStates();
  ASSERT_EQ(states.size(), 4u);
  for (int64_t slot = 0; slot < 4; ++slot) EXPECT_EQ(states[static_cast<size_t>(slot)].slot(), slot);
}

TEST(SegmentOrder, TakesABatchWithoutCopyingItsColumns) {
  SegmentOrder order(Slots(1));
  order.Next(1, 1);
  v1::RolloutResult result = Result(1, 0, 1);
  const char* const observations = result.batch().observations().data();
  EXPECT_EQ(order.Accept(std::move(result))->accepted, 2);
  EXPECT_EQ(order.TakeBatches().at(0).observations().data(), observations);
  EXPECT_EQ(result.request_id(), 1u);
  EXPECT_EQ(result.states_size(), 1);
}

TEST(SegmentOrder, ContinuesWhereASlotStands) {
  SegmentOrderOptions options = Slots(1);
  options.states = {State(0, 100, 5, 40)};
  SegmentOrder order(options);
  order.Next(1, 1);
  v1::RolloutResult result;
  result.set_request_id(1);
  result.set_last(true);
  Add(Piece(0, 5, 40, 2, true), result);
  Add(Piece(0, 6, 0, 6, true), result);
  *result.add_states() = State(0, 108, 7, 0);  // the seventh has begun: the sixth ended with the segment
  const auto acceptance = order.Accept(std::move(result));
  ASSERT_TRUE(acceptance.ok()) << acceptance.status();
  EXPECT_TRUE(order.done());
}

TEST(SegmentOrder, AsksAgainForWhatWasLost) {
  SegmentOrder order(Slots(4));
  order.Next(1, 1);
  ASSERT_TRUE(order.Accept(Result(1, 0, 2)).ok());
  order.Release(1);
  const v1::RolloutRequest again = order.Next(2, 1).value();
  EXPECT_EQ(again.segments().begin(), 2);
  EXPECT_EQ(again.segments().end(), 4);
  EXPECT_EQ(order.Accept(Result(1, 2, 4))->rejected, 4);
  EXPECT_EQ(order.Accept(Result(2, 2, 4))->accepted, 4);
  EXPECT_TRUE(order.done());
}

TEST(SegmentOrder, RefusesResultsThatDoNotFitTheirSlots) {
  using Change = std::function<void(v1::RolloutResult&)>;
  const auto trajectory = [](v1::RolloutResult& r, int i) { return r.mutable_batch()->mutable_trajectories(i); };
  const std::vector<std::pair<const char*, Change>> changes = {
      {"too short", [&](auto& r) { trajectory(r, 1)->set_steps(kSteps - 4); }},
      {"too long", [&](auto& r) { trajectory(r, 1)->set_steps(kSteps); }},
      {"no end before the next episode", [&](auto& r) { trajectory(r, 0)->set_terminated(false); }},
      {"an episode left out", [&](auto& r) { trajectory(r, 1)->set_episode(2); }},
      {"a gap", [&](auto& r) { trajectory(r, 1)->set_first_step(1); }},
      {"another slot", [&](auto& r) { trajectory(r, 1)->set_slot(1); }},
      {"no state", [&](auto& r) { r.mutable_states()->RemoveLast(); }},
      {"a state of another slot", [&](auto& r) { r.mutable_states(0)->set_slot(1); }},
      {"a slot of nobody's", [&](auto& r) { r.mutable_states(0)->set_slot(99); }},
      {"wrong steps", [&](auto& r) { r.mutable_states(0)->set_steps(kSteps + 1); }},
      {"wrong episode", [&](auto& r) { r.mutable_states(0)->set_episode(0); }},
      {"wrong step of the episode", [&](auto& r) { r.mutable_states(0)->set_episode_step(0); }},
      {"a huge state",
       [&](auto& r) { r.mutable_states(0)->set_environment(std::string(kMaxSlotStateBytes + 1, 'x')); }},
      {"last without slot 1", [&](auto& r) { r.set_last(true); }},
  };
  for (const auto& [name, change] : changes) {
    SegmentOrder order(Slots(2));
    order.Next(1, 1);
    v1::RolloutResult result = Result(1, 0, 1);
    change(result);
    EXPECT_EQ(order.Accept(std::move(result)).status().code(), absl::StatusCode::kInvalidArgument) << name;
  }
}

TEST(SegmentOrder, RefusesASlotThatComesTwice) {
  SegmentOrder order(Slots(2));
  order.Next(1, 1);
  ASSERT_TRUE(order.Accept(Result(1, 0, 1)).ok());
  EXPECT_EQ(order.Accept(Result(1, 0, 1)).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace understudy
