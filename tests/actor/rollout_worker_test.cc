#include "actor/rollout_worker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "common/policy/categorical.h"
#include "common/trajectory/dataset_digest.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::understudy::testing::CartPoleSpec;
using ::understudy::testing::ExpectationOf;
using ::understudy::testing::TestSnapshot;

constexpr int kWidth = 8;

Policy TestPolicy() { return Policy::FromSnapshot(*TestSnapshot("expert", 1)).value(); }

// Balances the pole for all 500 steps: pushes in the direction of angle + angular velocity (and a little of position
// and velocity), the linear controller that is known to solve the task.
Policy BalancingPolicy() {
  v1::PolicyHeader header = TestSnapshot("expert", 1)->header;
  header.mutable_network()->clear_hidden_sizes();
  header.mutable_network()->add_hidden_sizes(1);
  header.mutable_network()->set_activation("tanh");
  // One hidden unit, two logits, then the critic's unit and value.
  const float parameters[] = {0.02f, 0.06f, 1.0f, 0.5f, 0, -10, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  std::string bytes(sizeof(parameters), '\0');
  std::memcpy(bytes.data(), parameters, sizeof(parameters));
  return Policy::FromSnapshot(*MakeSnapshot(header, bytes)).value();
}

v1::RolloutRequest Request(v1::ActionMode mode) {
  v1::RolloutRequest request;
  request.set_id(7);
  request.set_policy("expert");
  request.set_policy_version(1);
  request.set_action_mode(mode);
  request.set_seed(5);
  return request;
}

v1::RolloutRequest Episodes(int64_t begin, int64_t end, v1::ActionMode mode = v1::ACTION_MODE_SAMPLE) {
  v1::RolloutRequest request = Request(mode);
  request.mutable_episodes()->set_begin(begin);
  request.mutable_episodes()->set_end(end);
  return request;
}

v1::RolloutRequest Segments(int64_t begin, int64_t end, int64_t steps, std::vector<v1::SlotState> states = {}) {
  v1::RolloutRequest request = Request(v1::ACTION_MODE_SAMPLE);
  request.mutable_segments()->set_begin(begin);
  request.mutable_segments()->set_end(end);
  request.mutable_segments()->set_steps(steps);
  for (v1::SlotState& state : states) *request.mutable_segments()->add_states() = std::move(state);
  return request;
}

absl::StatusOr<std::vector<v1::RolloutResult>> RollOut(const v1::RolloutRequest& request, const Policy& policy,
                                                       int width = kWidth) {
  auto worker = RolloutWorker::Create(CartPoleSpec(), width);
  if (!worker.ok()) return worker.status();
  std::vector<v1::RolloutResult> results;
  const Cancellation cancellation;
  const auto keep = [&](v1::RolloutResult result) {
    results.push_back(std::move(result));
    return absl::OkStatus();
  };
  if (absl::Status status = worker->Run(request, policy, keep, cancellation); !status.ok()) return status;
  return results;
}

// Every episode's digest, by number.
std::map<int64_t, std::string> Digests(const std::vector<v1::RolloutResult>& results) {
  std::map<int64_t, std::string> digests;
  for (const v1::RolloutResult& result : results) {
    for (const TrajectoryView& view : ViewTrajectories(result.batch(), CartPoleSpec())) {
      EXPECT_TRUE(digests.emplace(view.trajectory->episode(), EpisodeDigest(view)).second);
    }
  }
  return digests;
}

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

TEST(RolloutWorker, GivesValidBatchesOfWholeEpisodes) {
  const auto results = RollOut(Episodes(3, 23), TestPolicy());
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_EQ(results->size(), 1u);
  const v1::RolloutResult& result = results->at(0);
  EXPECT_EQ(result.request_id(), 7u);
  EXPECT_EQ(result.sequence(), 0u);
  EXPECT_TRUE(result.last());
  const absl::Status valid = ValidateBatch(result.batch(), ExpectationOf({}));
  EXPECT_TRUE(valid.ok()) << valid;
  std::set<int64_t> numbers;
  for (const v1::Trajectory& trajectory : result.batch().trajectories()) {
    EXPECT_EQ(trajectory.slot(), 0);
    EXPECT_EQ(trajectory.first_step(), 0);
    EXPECT_TRUE(trajectory.terminated() || trajectory.truncated());
    numbers.insert(trajectory.episode());
  }
  EXPECT_EQ(numbers.size(), 20u);
  EXPECT_EQ(*numbers.begin(), 3);
  EXPECT_EQ(*numbers.rbegin(), 22);
}

TEST(RolloutWorker, GivesTheSameEpisodesHoweverTheyAreGrouped) {
  for (const v1::ActionMode mode : {v1::ACTION_MODE_SAMPLE, v1::ACTION_MODE_GREEDY}) {
    const auto together = RollOut(Episodes(0, 20, mode), TestPolicy());
    ASSERT_TRUE(together.ok()) << together.status();
    std::map<int64_t, std::string> alone;
    for (int64_t episode = 0; episode < 20; ++episode) {
      const auto result = RollOut(Episodes(episode, episode + 1, mode), TestPolicy());
      ASSERT_TRUE(result.ok()) << result.status();
      alone.merge(Digests(*result));
    }
    EXPECT_EQ(Digests(*together), alone);
    EXPECT_EQ(alone.size(), 20u);
  }
}

TEST(RolloutWorker, GivesTheSameEpisodesAtEveryInferenceWidth) {
  v1::RolloutRequest request = Episodes(0, 20);
  request.add_record(v1::RECORD_LOGITS);
  request.add_record(v1::RECORD_VALUE);
  const auto expected = Digests(RollOut(request, TestPolicy()).value());
  EXPECT_EQ(expected.size(), 20u);
  for (const int width : {1, 7, 100})
    EXPECT_EQ(Digests(RollOut(request, TestPolicy(), width).value()), expected) << width;
}

TEST(RolloutWorker, PlaysOtherEpisodesUnderAnotherSeed) {
  v1::RolloutRequest other = Episodes(0, 1);
  other.set_seed(6);
  EXPECT_NE(Digests(RollOut(Episodes(0, 1), TestPolicy()).value()), Digests(RollOut(other, TestPolicy()).value()));
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

TEST(RolloutWorker, MarksTruncationAndKeepsTheFinalObservation) {
  const auto results = RollOut(Episodes(0, 3, v1::ACTION_MODE_GREEDY), BalancingPolicy());
  ASSERT_TRUE(results.ok()) << results.status();
  for (const TrajectoryView& view : ViewTrajectories(results->at(0).batch(), CartPoleSpec())) {
    EXPECT_EQ(view.trajectory->steps(), 500);
    EXPECT_TRUE(view.trajectory->truncated());
    EXPECT_FALSE(view.trajectory->terminated());
    // One Euler step of 0.02 s: the position follows from the observation before, as it would not after a reset.
    const auto& o = view.observations;
    ASSERT_EQ(o.size(), 501u * 4u);
    EXPECT_NEAR(o[500 * 4], o[499 * 4] + 0.02 * o[499 * 4 + 1], 1e-5);
    EXPECT_NEAR(o[500 * 4 + 2], o[499 * 4 + 2] + 0.02 * o[499 * 4 + 3], 1e-5);
  }
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

TEST(RolloutWorker, RecordsLogitsAndValuesOfTheActingPolicy) {
  v1::RolloutRequest request = Episodes(0, 2, v1::ACTION_MODE_GREEDY);
  request.add_record(v1::RECORD_LOGITS);
  request.add_record(v1::RECORD_VALUE);
  const Policy policy = TestPolicy();
  const auto results = RollOut(request, policy);
  ASSERT_TRUE(results.ok()) << results.status();
  const v1::TrajectoryBatch& batch = results->at(0).batch();
  const absl::Status valid =
      ValidateBatch(batch, ExpectationOf({.action_mode = v1::ACTION_MODE_GREEDY, .record = true}));
  ASSERT_TRUE(valid.ok()) << valid;
  for (const TrajectoryView& view : ViewTrajectories(batch, CartPoleSpec())) {
    const int64_t steps = view.trajectory->steps();
    std::vector<float> logits(static_cast<size_t>(steps) * 2);
    std::vector<float> values(static_cast<size_t>(steps));
    policy.Infer(view.observations.first(static_cast<size_t>(steps) * 4), {.logits = logits, .values = values});
    for (int64_t t = 0; t < steps; ++t) {
      const std::span<const float> row = view.logits.subspan(static_cast<size_t>(t) * 2, 2);
      EXPECT_EQ(row[0], logits[static_cast<size_t>(t) * 2]);
      EXPECT_EQ(row[1], logits[static_cast<size_t>(t) * 2 + 1]);
      EXPECT_EQ(view.values[static_cast<size_t>(t)], values[static_cast<size_t>(t)]);
      int32_t action = 0;
      std::memcpy(&action, view.actions.data() + t * 4, 4);
      EXPECT_EQ(action, row[1] > row[0] ? 1 : 0);
      EXPECT_EQ(view.log_probs[static_cast<size_t>(t)], static_cast<float>(LogProbability(row, action)));
    }
  }
}

TEST(RolloutWorker, SplitsLongAnswersAndMarksTheLast) {
  // 200 episodes of 500 steps at 28 bytes are some 2.8 MB.
  const auto results = RollOut(Episodes(0, 200, v1::ACTION_MODE_GREEDY), BalancingPolicy());
  ASSERT_TRUE(results.ok()) << results.status();
  ASSERT_GE(results->size(), 3u);
  for (size_t i = 0; i < results->size(); ++i) {
    EXPECT_EQ(results->at(i).sequence(), i);
    EXPECT_EQ(results->at(i).last(), i + 1 == results->size());
    EXPECT_GT(results->at(i).batch().trajectories_size(), 0);
    EXPECT_LT(results->at(i).ByteSizeLong(), size_t{2} << 20);
  }
  EXPECT_EQ(Digests(*results).size(), 200u);
}

TEST(RolloutWorker, StopsWhenItIsCancelledAndGoesOnWithTheNextRequest) {
  auto worker = RolloutWorker::Create(CartPoleSpec(), kWidth).value();
  const Policy policy = TestPolicy();
  Cancellation cancelled;
  cancelled.Cancel("another assignment");
  const auto ignore = [](const v1::RolloutResult&) { return absl::OkStatus(); };
  EXPECT_TRUE(absl::IsCancelled(worker.Run(Episodes(0, 9), policy, ignore, cancelled)));
  const Cancellation cancellation;
  std::vector<v1::RolloutResult> results;
  const auto keep = [&](v1::RolloutResult result) {
    results.push_back(std::move(result));
    return absl::OkStatus();
  };
  ASSERT_TRUE(worker.Run(Episodes(0, 9), policy, keep, cancellation).ok());
  EXPECT_EQ(Digests(results), Digests(RollOut(Episodes(0, 9), policy).value()));
}

TEST(RolloutWorker, WaitsOnceAStepForAllItsSimulatorsAndGivesTheSameEpisodes) {
  v1::EnvironmentSpec slow = CartPoleSpec();
  slow.set_step_latency_us(1'000);
  auto worker = RolloutWorker::Create(slow, kWidth).value();
  const Policy policy = BalancingPolicy();
  std::vector<v1::RolloutResult> results;
  const auto keep = [&](v1::RolloutResult result) {
    results.push_back(std::move(result));
    return absl::OkStatus();
  };
  // Eight episodes of 500 steps. How long so many waits take is the machine's business: it may be late to end each.
  const auto before = std::chrono::steady_clock::now();
  for (int step = 0; step < 500; ++step) Cancellation().WaitFor(absl::Milliseconds(1));
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(worker.Run(Episodes(0, kWidth), policy, keep, Cancellation()).ok());
  const auto taken = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(taken, std::chrono::milliseconds(500));
  EXPECT_LT(taken, 4 * (begin - before)) << "one episode after the other takes eight times as long";
  EXPECT_EQ(Digests(results), Digests(RollOut(Episodes(0, kWidth), policy).value()));
}

TEST(RolloutWorker, IsCancelledInTheMiddleOfAStep) {
  v1::EnvironmentSpec slow = CartPoleSpec();
  slow.set_step_latency_us(10'000'000);
  auto worker = RolloutWorker::Create(slow, kWidth).value();
  Cancellation cancellation;
  absl::Status status;
  const auto begin = std::chrono::steady_clock::now();
  const auto ignore = [](const v1::RolloutResult&) { return absl::OkStatus(); };
  std::thread working([&] { status = worker.Run(Episodes(0, 1), TestPolicy(), ignore, cancellation); });
  cancellation.Cancel("the actor is stopping");
  working.join();
  EXPECT_EQ(status, absl::CancelledError("the actor is stopping"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(RolloutWorker, RefusesALatencyOutOfBounds) {
  v1::EnvironmentSpec slow = CartPoleSpec();
  for (const int64_t latency : {int64_t{-1}, int64_t{10'000'001}, std::numeric_limits<int64_t>::max()}) {
    slow.set_step_latency_us(latency);
    EXPECT_TRUE(absl::IsInvalidArgument(RolloutWorker::Create(slow, kWidth).status())) << latency;
  }
}

TEST(RolloutWorker, EndsWithTheErrorOfWhoTakesItsResults) {
  auto worker = RolloutWorker::Create(CartPoleSpec(), kWidth).value();
  const Cancellation cancellation;
  const auto full = [](const v1::RolloutResult&) { return absl::UnavailableError("gone"); };
  EXPECT_EQ(worker.Run(Episodes(0, 3), TestPolicy(), full, cancellation), absl::UnavailableError("gone"));
}

TEST(RolloutWorker, RefusesAnEnvironmentThatIsNotItsOwn) {
  v1::EnvironmentSpec unknown = CartPoleSpec();
  unknown.set_name("Chess-v1");
  EXPECT_TRUE(absl::IsNotFound(RolloutWorker::Create(unknown, kWidth).status()));
  v1::EnvironmentSpec other = CartPoleSpec();
  other.set_max_episode_steps(501);
  const absl::Status status = RolloutWorker::Create(other, kWidth).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("at most 501 steps"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("at most 500 steps"), absl::string_view::npos) << status;
}

TEST(RolloutWorker, RefusesAWidthOutOfBounds) {
  for (const int width : {-1, 0, kMaxInferenceWidth + 1}) {
    EXPECT_TRUE(absl::IsInvalidArgument(RolloutWorker::Create(CartPoleSpec(), width).status())) << width;
  }
}

TEST(RolloutWorker, RefusesASlotStateThatNoEnvironmentSaved) {
  v1::SlotState state;
  state.set_environment("nonsense");
  const absl::Status status = RollOut(Segments(0, 1, 8, {state}), TestPolicy()).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("slot 0"), absl::string_view::npos) << status;
}

TEST(RolloutWorker, NamesAPolicyWhoseOutputIsNotFinite) {
  Policy policy = TestPolicy();
  std::ranges::fill(policy.parameters(), std::numeric_limits<float>::quiet_NaN());
  const absl::Status status = RollOut(Episodes(0, 1), policy).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(status.message(), "CartPole-v1, episode 0, step 0: logits[0] of policy expert@1 is nan");
}

TEST(RolloutWorker, NamesTheNumberThatIsNotFinite) {
  Policy logits = BalancingPolicy();
  logits.parameters()[8] = -std::numeric_limits<float>::infinity();  // the second logit's bias
  EXPECT_EQ(RollOut(Segments(3, 4, 8), logits).status().message(),
            "CartPole-v1, slot 3, step 0: logits[1] of policy expert@1 is -inf");

  Policy value = BalancingPolicy();
  value.parameters()[15] = std::numeric_limits<float>::infinity();  // the value's bias
  v1::RolloutRequest request = Episodes(5, 6);
  request.add_record(v1::RECORD_VALUE);
  EXPECT_EQ(RollOut(request, value).status().message(),
            "CartPole-v1, episode 5, step 0: value of policy expert@1 is inf");
}

}  // namespace
}  // namespace understudy
