#include "common/rollouts/episode_order.h"

#include <gtest/gtest.h>

#include <utility>

#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::understudy::testing::EpisodeBatch;
using ::understudy::testing::ExpectationOf;

EpisodeOrderOptions Count(int64_t episodes) {
  return {.expectation = ExpectationOf({}), .seed = 9, .episodes = episodes};
}

EpisodeOrderOptions Transitions(int64_t transitions) {
  return {.expectation = ExpectationOf({}), .seed = 9, .transitions = transitions};
}

NumberRange RangeOf(const std::optional<v1::RolloutRequest>& request) {
  if (!request.has_value()) return {-1, -1};
  return {request->episodes().begin(), request->episodes().end()};
}

constexpr NumberRange kNothing{-1, -1};

v1::RolloutResult Result(uint64_t request, const std::vector<int64_t>& episodes, int64_t steps_each) {
  v1::RolloutResult result;
  result.set_request_id(request);
  *result.mutable_batch() = EpisodeBatch(episodes, steps_each);
  return result;
}

TEST(EpisodeOrder, AsksForWhatItsExpectationNames) {
  EpisodeOrderOptions options = Count(1);
  options.expectation =
      ExpectationOf({.policy = "p", .version = 3, .action_mode = v1::ACTION_MODE_GREEDY, .record = true});
  options.purpose = v1::ROLLOUT_PURPOSE_EVALUATION;
  EpisodeOrder order(options);
  const v1::RolloutRequest request = order.Next(5, 1).value();
  EXPECT_EQ(request.id(), 5u);
  EXPECT_EQ(request.policy(), "p");
  EXPECT_EQ(request.policy_version(), 3);
  EXPECT_EQ(request.action_mode(), v1::ACTION_MODE_GREEDY);
  EXPECT_EQ(request.purpose(), v1::ROLLOUT_PURPOSE_EVALUATION);
  EXPECT_EQ(request.seed(), 9u);
  EXPECT_EQ(request.record_size(), 2);
}

TEST(EpisodeOrder, SharesACountEvenly) {
  EpisodeOrder order(Count(100));
  EXPECT_EQ(RangeOf(order.Next(1, 3)), (NumberRange{0, 34}));
  EXPECT_EQ(RangeOf(order.Next(2, 3)), (NumberRange{34, 68}));
  EXPECT_EQ(RangeOf(order.Next(3, 3)), (NumberRange{68, 100}));
  EXPECT_EQ(RangeOf(order.Next(4, 3)), kNothing);
}

TEST(EpisodeOrder, AsksForNoMoreThanARequestMayHold) {
  EpisodeOrder order(Count(100));
  EXPECT_EQ(RangeOf(order.Next(1, 1)), (NumberRange{0, 64}));
  EXPECT_EQ(RangeOf(order.Next(2, 1)), (NumberRange{64, 100}));
}

TEST(EpisodeOrder, ExpectsTheLongestEpisodesUntilOneHasFinished) {
  EpisodeOrder order(Transitions(10000));  // 20 episodes of 500 steps
  EXPECT_EQ(RangeOf(order.Next(1, 2)), (NumberRange{0, 10}));
  EXPECT_EQ(RangeOf(order.Next(2, 2)), (NumberRange{10, 20}));
  EXPECT_EQ(RangeOf(order.Next(3, 2)), kNothing);
}

TEST(EpisodeOrder, EstimatesFromFinishedEpisodes) {
  EpisodeOrder order(Transitions(3000));
  ASSERT_EQ(RangeOf(order.Next(1, 2)), (NumberRange{0, 3}));
  ASSERT_EQ(RangeOf(order.Next(2, 2)), (NumberRange{3, 6}));
  ASSERT_TRUE(order.Accept(Result(1, {0, 1, 2}, 100)).ok());
  // 300 of 3000 are there, 300 more are on their way: 24 episodes of 100 are missing besides the 3, shared by two.
  EXPECT_EQ(RangeOf(order.Next(3, 2)), (NumberRange{6, 20}));
  EXPECT_EQ(RangeOf(order.Next(4, 2)), (NumberRange{20, 30}));
  EXPECT_EQ(RangeOf(order.Next(5, 2)), kNothing);
}

TEST(EpisodeOrder, AsksAgainForWhatWasLost) {
  EpisodeOrder order(Transitions(1000));
  ASSERT_EQ(RangeOf(order.Next(1, 1)), (NumberRange{0, 2}));
  ASSERT_TRUE(order.Accept(Result(1, {1}, 500)).ok());
  order.Release(1);
  EXPECT_EQ(RangeOf(order.Next(2, 1)), (NumberRange{0, 1}));
  EXPECT_FALSE(order.done());
  ASSERT_TRUE(order.Accept(Result(2, {0}, 500)).ok());
  EXPECT_TRUE(order.done());
  EXPECT_EQ(RangeOf(order.Next(3, 1)), kNothing);
}

TEST(EpisodeOrder, EndsAtTheShortestPrefixThatSuffices) {
  EpisodeOrder order(Transitions(1100));
  ASSERT_EQ(RangeOf(order.Next(1, 1)), (NumberRange{0, 3}));
  EXPECT_EQ(order.Accept(Result(1, {2, 0}, 500))->accepted, 2);
  EXPECT_EQ(order.prefix(), 1);
  EXPECT_FALSE(order.done());
  EXPECT_EQ(order.Accept(Result(1, {1}, 100))->accepted, 1);
  EXPECT_TRUE(order.done());
  EXPECT_EQ(order.prefix(), 3);
  EXPECT_EQ(order.Summary().transitions, 1100);
}

TEST(EpisodeOrder, LeavesSurplusEpisodesOutOfItsSummary) {
  EpisodeOrder order(Transitions(600));
  ASSERT_EQ(RangeOf(order.Next(1, 1)), (NumberRange{0, 2}));
  ASSERT_TRUE(order.Accept(Result(1, {1}, 10)).ok());
  // Short ones: many more are asked for.
  ASSERT_EQ(RangeOf(order.Next(2, 1)), (NumberRange{2, 60}));
  ASSERT_TRUE(order.Accept(Result(2, {2, 3, 4}, 300)).ok());
  ASSERT_TRUE(order.Accept(Result(1, {0}, 400)).ok());
  EXPECT_TRUE(order.done());  // 400 + 10 + 300
  EXPECT_EQ(order.prefix(), 3);
  EXPECT_EQ(order.Summary().episodes, 3);
  const auto late = order.Accept(Result(2, {5}, 300));
  EXPECT_EQ(late->accepted, 0);
  EXPECT_EQ(late->rejected, 1);
  EXPECT_EQ(late->reason, "surplus");
  EXPECT_EQ(late->detail, "no longer needed");
}

TEST(EpisodeOrder, SummarisesInEpisodeOrderWhateverTheArrival) {
  // Returns 10, 20, 60 (a reward of one for every step): mean 30, population variance (400 + 100 + 900) / 3.
  EpisodeOrder order(Count(3));
  order.Next(1, 1);
  ASSERT_TRUE(order.Accept(Result(1, {2}, 60)).ok());
  ASSERT_TRUE(order.Accept(Result(1, {0}, 10)).ok());
  ASSERT_TRUE(order.Accept(Result(1, {1}, 20)).ok());
  const EpisodeSummary summary = order.Summary();
  EXPECT_EQ(summary.episodes, 3);
  EXPECT_EQ(summary.transitions, 90);
  EXPECT_DOUBLE_EQ(summary.mean_return, 30);
  EXPECT_NEAR(summary.std_return, 21.602468994692867, 1e-12);
  EXPECT_EQ(summary.min_return, 10);
  EXPECT_EQ(summary.max_return, 60);

  EpisodeOrder straight(Count(3));
  straight.Next(1, 1);
  ASSERT_TRUE(straight.Accept(Result(1, {0}, 10)).ok());
  ASSERT_TRUE(straight.Accept(Result(1, {1}, 20)).ok());
  ASSERT_TRUE(straight.Accept(Result(1, {2}, 60)).ok());
  EXPECT_EQ(straight.Summary().mean_return, summary.mean_return);
  EXPECT_EQ(straight.Summary().std_return, summary.std_return);
}

TEST(EpisodeOrder, HandsOnEachNewEpisodeOnceInAscendingOrder) {
  std::vector<std::vector<int64_t>> calls;
  EpisodeOrderOptions options = Count(4);
  options.on_episodes = [&](const std::vector<TrajectoryView>& episodes) {
    calls.emplace_back();
    for (const TrajectoryView& view : episodes) calls.back().push_back(view.trajectory->episode());
    return absl::OkStatus();
  };
  EpisodeOrder order(options);
  order.Next(1, 1);
  ASSERT_TRUE(order.Accept(Result(1, {3, 1}, 10)).ok());
  const auto twice = order.Accept(Result(1, {1, 0, 0}, 10));
  EXPECT_EQ(twice->accepted, 1);
  EXPECT_EQ(twice->rejected, 2);
  EXPECT_EQ(twice->reason, "duplicate");
  ASSERT_TRUE(order.Accept(Result(1, {3}, 10)).ok());
  EXPECT_EQ(calls, (std::vector<std::vector<int64_t>>{{1, 3}, {0}}));
}

TEST(EpisodeOrder, FailsWithWhatItsEpisodesWereFor) {
  EpisodeOrderOptions options = Count(2);
  options.on_episodes = [](const std::vector<TrajectoryView>&) { return absl::ResourceExhaustedError("disk full"); };
  EpisodeOrder order(options);
  order.Next(1, 1);
  EXPECT_EQ(order.Accept(Result(1, {0}, 10)).status(), absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(order.prefix(), 0);
}

TEST(EpisodeOrder, RefusesWhatTheRequestDoesNotCover) {
  EpisodeOrder order(Count(10));
  order.Next(1, 2);  // [0, 5)
  EXPECT_EQ(order.Accept(Result(1, {5}, 10)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(order.Accept(Result(1, {-1}, 10)).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(EpisodeOrder, RefusesPartsOfEpisodes) {
  EpisodeOrder order(Count(10));
  order.Next(1, 1);
  v1::RolloutResult cut = Result(1, {0}, 10);
  cut.mutable_batch()->mutable_trajectories(0)->set_terminated(false);
  EXPECT_EQ(order.Accept(std::move(cut)).status().code(), absl::StatusCode::kInvalidArgument);
  v1::RolloutResult late = Result(1, {0}, 10);
  late.mutable_batch()->mutable_trajectories(0)->set_first_step(1);
  EXPECT_EQ(order.Accept(std::move(late)).status().code(), absl::StatusCode::kInvalidArgument);
  v1::RolloutResult slot = Result(1, {0}, 10);
  slot.mutable_batch()->mutable_trajectories(0)->set_slot(1);
  EXPECT_EQ(order.Accept(std::move(slot)).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(EpisodeOrder, RefusesALastResultThatLeavesEpisodesOutAndTakesNothingOfIt) {
  std::vector<int64_t> handed_on;
  EpisodeOrderOptions options = Count(2);
  options.on_episodes = [&handed_on](const std::vector<TrajectoryView>& episodes) {
    for (const TrajectoryView& view : episodes) handed_on.push_back(view.trajectory->episode());
    return absl::OkStatus();
  };
  EpisodeOrder order(options);
  order.Next(1, 1);
  v1::RolloutResult result = Result(1, {0}, 10);
  result.set_last(true);
  EXPECT_EQ(order.Accept(std::move(result)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(handed_on.empty());
  EXPECT_EQ(order.prefix(), 0);
}

TEST(EpisodeOrder, RejectsWhatComesForAReleasedRequest) {
  EpisodeOrder order(Count(2));
  order.Next(1, 1);
  order.Release(1);
  const auto late = order.Accept(Result(1, {0, 1}, 10));
  EXPECT_EQ(late->accepted, 0);
  EXPECT_EQ(late->rejected, 2);
  EXPECT_EQ(late->reason, "stale");
  EXPECT_EQ(late->detail, "request 1 is over");
  EXPECT_FALSE(order.done());
}

// Every episode that the order hands on.
EpisodeOrderOptions Recording(EpisodeOrderOptions options, std::vector<int64_t>& numbers) {
  options.on_episodes = [&numbers](const std::vector<TrajectoryView>& episodes) {
    for (const TrajectoryView& view : episodes) numbers.push_back(view.trajectory->episode());
    return absl::OkStatus();
  };
  return options;
}

TEST(EpisodeOrder, AsksOnlyForTheGapsInWhatWasThereBefore) {
  std::vector<int64_t> handed_on;
  EpisodeOrderOptions options = Recording(Count(6), handed_on);
  options.finished = {{4, 40, 40}, {0, 10, 10}, {2, 20, 20}};
  EpisodeOrder order(options);
  EXPECT_EQ(order.prefix(), 1);
  EXPECT_EQ(RangeOf(order.Next(1, 1)), (NumberRange{1, 2}));
  EXPECT_EQ(RangeOf(order.Next(2, 1)), (NumberRange{3, 4}));
  EXPECT_EQ(RangeOf(order.Next(3, 1)), (NumberRange{5, 6}));
  EXPECT_EQ(RangeOf(order.Next(4, 1)), kNothing);
  ASSERT_TRUE(order.Accept(Result(1, {1}, 10)).ok());
  ASSERT_TRUE(order.Accept(Result(2, {3}, 10)).ok());
  EXPECT_EQ(order.prefix(), 5);
  EXPECT_FALSE(order.done());
  ASSERT_TRUE(order.Accept(Result(3, {5}, 10)).ok());
  EXPECT_TRUE(order.done());
  EXPECT_EQ(handed_on, (std::vector<int64_t>{1, 3, 5}));
}

TEST(EpisodeOrder, SummarisesWhatWasThereBeforeAsIfItHadArrived) {
  EpisodeOrderOptions options = Count(3);
  options.finished = {{2, 60, 60}, {0, 10, 10}};
  EpisodeOrder order(options);
  order.Next(1, 1);
  ASSERT_TRUE(order.Accept(Result(1, {1}, 20)).ok());
  const EpisodeSummary summary = order.Summary();
  EXPECT_EQ(summary.episodes, 3);
  EXPECT_EQ(summary.transitions, 90);
  EXPECT_DOUBLE_EQ(summary.mean_return, 30);
  EXPECT_NEAR(summary.std_return, 21.602468994692867, 1e-12);
  EXPECT_EQ(summary.min_return, 10);
  EXPECT_EQ(summary.max_return, 60);
}

TEST(EpisodeOrder, IsDoneAtOnceWhereEverythingWasThereBefore) {
  EpisodeOrderOptions count = Count(2);
  count.finished = {{1, 10, 10}, {0, 10, 10}};
  EXPECT_TRUE(EpisodeOrder(count).done());

  EpisodeOrderOptions transitions = Transitions(100);
  transitions.finished = {{0, 60, 60}, {1, 50, 50}, {2, 70, 70}, {9, 5, 5}};
  EpisodeOrder order(transitions);
  EXPECT_TRUE(order.done());
  EXPECT_EQ(order.prefix(), 2);
  EXPECT_EQ(order.Summary().transitions, 110);
  EXPECT_EQ(RangeOf(order.Next(1, 1)), kNothing);
}

TEST(EpisodeOrder, AsksForAGapThoughTheStepsOfLaterEpisodesWouldDo) {
  EpisodeOrderOptions options = Transitions(500);
  options.finished = {{1, 400, 400}, {2, 400, 400}};
  EpisodeOrder order(options);
  EXPECT_FALSE(order.done());
  ASSERT_EQ(RangeOf(order.Next(1, 1)), (NumberRange{0, 1}));
  ASSERT_TRUE(order.Accept(Result(1, {0}, 100)).ok());
  EXPECT_TRUE(order.done());
  EXPECT_EQ(order.prefix(), 2);
}

TEST(EpisodeOrder, RefusesWhatWasThereBeforeAndWasNotAskedFor) {
  EpisodeOrderOptions options = Count(4);
  options.finished = {{1, 10, 10}};
  EpisodeOrder order(options);
  ASSERT_EQ(RangeOf(order.Next(1, 1)), (NumberRange{0, 1}));
  ASSERT_EQ(RangeOf(order.Next(2, 1)), (NumberRange{2, 4}));
  EXPECT_EQ(order.Accept(Result(2, {1}, 10)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(order.Summary().episodes, 0);
}

TEST(EpisodeOrder, LeavesOutStoredNumbersThatNoOrderCanHaveAskedFor) {
  EpisodeOrderOptions options = Transitions(100);
  options.finished = {{-1, 10, 10}, {0, 10, 10}, {1, 10, 10}, {1, 10, 10}, {int64_t{1} << 60, 10, 10}};
  EpisodeOrder order(options);
  EXPECT_EQ(order.Summary().transitions, 20);
  EXPECT_EQ(RangeOf(order.Next(1, 1)).begin, 2);

  EpisodeOrderOptions few = Count(2);
  few.finished = {{2, 10, 10}};
  EXPECT_EQ(RangeOf(EpisodeOrder(few).Next(1, 1)), (NumberRange{0, 2}));
}

TEST(EpisodeOrder, AsksForNothingFarBeyondAMissingEpisode) {
  EpisodeOrderOptions options = Count(1'000'000);
  options.episodes_per_request = 40'000;
  EpisodeOrder order(options);
  EXPECT_EQ(RangeOf(order.Next(1, 1)), (NumberRange{0, 40'000}));
  EXPECT_EQ(RangeOf(order.Next(2, 1)), (NumberRange{40'000, 65'536}));
  EXPECT_EQ(RangeOf(order.Next(3, 1)), kNothing);
  ASSERT_TRUE(order.Accept(Result(1, {1}, 1)).ok());
  EXPECT_EQ(RangeOf(order.Next(3, 1)), kNothing);
  ASSERT_TRUE(order.Accept(Result(1, {0}, 1)).ok());
  EXPECT_EQ(RangeOf(order.Next(3, 1)), (NumberRange{65'536, 65'538}));
  // What was lost is asked for again all the same.
  order.Release(1);
  EXPECT_EQ(RangeOf(order.Next(4, 1)), (NumberRange{2, 40'000}));
}

}  // namespace
}  // namespace understudy
