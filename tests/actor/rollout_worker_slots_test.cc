// Segments: a slot goes on where it stood, whoever continues it.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actor/rollout_worker.h"
#include "tests/actor/rollouts.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::understudy::testing::CartPoleSpec;
using ::understudy::testing::ExpectationOf;
using ::understudy::testing::RollOut;
using ::understudy::testing::Segments;
using ::understudy::testing::TestPolicy;

// What a slot went through, without its cuts: bytes of actions, and of the observations before them.
struct SlotHistory {
  std::string actions;
  std::string observations;
  std::string log_probs;
  bool operator==(const SlotHistory&) const = default;
};

void AddHistory(const v1::RolloutResult& result, std::map<int64_t, SlotHistory>& histories) {
  for (const TrajectoryView& view : ViewTrajectories(result.batch(), CartPoleSpec())) {
    SlotHistory& history = histories[view.trajectory->slot()];
    const auto append = [](const auto& span, size_t bytes, std::string& to) {
      to.append(reinterpret_cast<const char*>(span.data()), bytes);
    };
    append(view.actions, view.actions.size_bytes(), history.actions);
    append(view.log_probs, view.log_probs.size_bytes(), history.log_probs);
    append(view.observations, view.observations.size_bytes() - 16, history.observations);
  }
}

TEST(RolloutWorker, ContinuesASlotBitForBit) {
  const Policy policy = TestPolicy();
  std::map<int64_t, SlotHistory> whole;
  const auto once = RollOut(Segments(0, 20, 128), policy);
  ASSERT_TRUE(once.ok()) << once.status();
  for (const v1::RolloutResult& result : *once) AddHistory(result, whole);

  std::map<int64_t, SlotHistory> pieces;
  std::vector<v1::SlotState> states;
  const auto half = RollOut(Segments(0, 20, 64), policy);
  ASSERT_TRUE(half.ok()) << half.status();
  for (const v1::RolloutResult& result : *half) {
    AddHistory(result, pieces);
    for (const v1::SlotState& state : result.states()) states.push_back(state);
  }
  ASSERT_EQ(states.size(), 20u);
  // Another worker, and the slots in two parts.
  for (const auto& [begin, end] : {std::pair<int64_t, int64_t>{0, 13}, {13, 20}}) {
    const auto results = RollOut(Segments(begin, end, 64, {states.begin() + begin, states.begin() + end}), policy);
    ASSERT_TRUE(results.ok()) << results.status();
    for (const v1::RolloutResult& result : *results) AddHistory(result, pieces);
  }
  EXPECT_EQ(whole.size(), 20u);
  EXPECT_EQ(whole[0].actions.size(), 128 * sizeof(int32_t));
  EXPECT_TRUE(whole == pieces);
}

TEST(RolloutWorker, GivesSlotsInOrderWithTheStatesThatTheyLeadTo) {
  const auto results = RollOut(Segments(0, 20, 64), TestPolicy());
  ASSERT_TRUE(results.ok()) << results.status();
  int64_t next_slot = 0;
  for (const v1::RolloutResult& result : *results) {
    EXPECT_TRUE(ValidateBatch(result.batch(), ExpectationOf({})).ok());
    std::map<int64_t, int64_t> steps;
    std::map<int64_t, int64_t> ended;
    int64_t slot = -1;
    for (const v1::Trajectory& trajectory : result.batch().trajectories()) {
      EXPECT_GE(trajectory.slot(), slot);
      slot = trajectory.slot();
      steps[slot] += trajectory.steps();
      ended[slot] += trajectory.terminated() || trajectory.truncated() ? 1 : 0;
    }
    for (const v1::SlotState& state : result.states()) {
      EXPECT_EQ(state.slot(), next_slot++);
      EXPECT_EQ(steps[state.slot()], 64);
      EXPECT_EQ(state.steps(), 64);
      EXPECT_EQ(state.episode(), ended[state.slot()]);
    }
  }
  EXPECT_EQ(next_slot, 20);
}

TEST(RolloutWorker, KeepsTheObservationThatEndedAnEpisodeWithinASlot) {
  const auto results = RollOut(Segments(0, 1, 200), TestPolicy());
  ASSERT_TRUE(results.ok()) << results.status();
  int ended = 0;
  for (const TrajectoryView& view : ViewTrajectories(results->at(0).batch(), CartPoleSpec())) {
    if (!view.trajectory->terminated()) continue;
    ++ended;
    const size_t last = view.observations.size() - 4;
    const bool fallen = std::abs(view.observations[last]) > 2.4f || std::abs(view.observations[last + 2]) > 0.2094f;
    EXPECT_TRUE(fallen);
  }
  EXPECT_GT(ended, 0);
}

}  // namespace
}  // namespace understudy
