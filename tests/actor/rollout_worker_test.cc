#include "actor/rollout_worker.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <map>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/environment/cartpole.h"
#include "common/policy/categorical.h"
#include "tests/actor/rollouts.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::understudy::testing::BalancingPolicy;
using ::understudy::testing::CartPoleSpec;
using ::understudy::testing::Digests;
using ::understudy::testing::Episodes;
using ::understudy::testing::ExpectationOf;
using ::understudy::testing::kWidth;
using ::understudy::testing::RollOut;
using ::understudy::testing::Segments;
using ::understudy::testing::TestPolicy;

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

// Where the episodes of a request begin.
std::set<std::vector<float>> FirstObservations(const v1::RolloutRequest& request) {
  const auto results = RollOut(request, TestPolicy());
  EXPECT_TRUE(results.ok()) << results.status();
  std::set<std::vector<float>> found;
  for (const v1::RolloutResult& result : *results) {
    for (const TrajectoryView& view : ViewTrajectories(result.batch(), CartPoleSpec())) {
      if (view.trajectory->first_step() > 0) continue;
      const std::span<const float> first = view.observations.first(CartPole::kObservationSize);
      EXPECT_TRUE(found.emplace(first.begin(), first.end()).second) << "two episodes begin alike";
    }
  }
  return found;
}

TEST(RolloutWorker, NoEpisodeOfAPurposeBeginsLikeOneOfAnotherUnderTheSameSeed) {
  const v1::RolloutRequest training = Segments(0, 50, 200);
  std::set<std::vector<float>> all = FirstObservations(training);
  size_t count = all.size();
  EXPECT_GT(count, 100u);
  for (const v1::RolloutPurpose purpose :
       {v1::ROLLOUT_PURPOSE_COLLECTION, v1::ROLLOUT_PURPOSE_STOP_RULE, v1::ROLLOUT_PURPOSE_EVALUATION}) {
    v1::RolloutRequest request = Episodes(0, 200);
    request.set_purpose(purpose);
    ASSERT_EQ(request.seed(), training.seed());
    const std::set<std::vector<float>> more = FirstObservations(request);
    EXPECT_EQ(more.size(), 200u);
    all.insert(more.begin(), more.end());
    EXPECT_EQ(all.size(), count += 200) << purpose;
  }
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

TEST(RolloutWorker, EndsWithTheErrorOfWhoTakesItsResults) {
  auto worker = RolloutWorker::Create(CartPoleSpec(), kWidth).value();
  const Cancellation cancellation;
  const auto full = [](const v1::RolloutResult&) { return absl::UnavailableError("gone"); };
  EXPECT_EQ(worker.Run(Episodes(0, 3), TestPolicy(), full, cancellation), absl::UnavailableError("gone"));
}

}  // namespace
}  // namespace understudy
