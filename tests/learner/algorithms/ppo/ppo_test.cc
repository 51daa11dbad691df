#include "learner/algorithms/ppo/ppo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "learner/checkpoint.h"
#include "tests/testing/fake_training_context.h"
#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using testing::CartPoleTraining;
using testing::FakeTrainingContext;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TrainingInput Input(const std::string& ppo, const std::string& more = "") {
  return CartPoleTraining("algorithm: 'ppo' " + more + " ppo { " + ppo + " }");
}

// Two slots of 64 steps, in minibatches of 64: two minibatches an epoch.
constexpr char kSmall[] = "slots: 2 steps_per_slot: 64 minibatch_size: 64 ";

std::vector<double> Metric(const FakeTrainingContext& context, const std::string& name) {
  std::vector<double> values;
  for (const v1::StageProgress& report : context.reports) values.push_back(report.metrics().at(name));
  return values;
}

TEST(Ppo, LearnsToBalanceAndStopsAtOnce) {
  FakeTrainingContext context;
  const TrainingOutput output = *TrainPpo(Input("", "seed: 0 stop { mean_return: 475 }"), context);
  EXPECT_TRUE(output.result.converged());
  EXPECT_GE(output.result.mean_return(), 475);
  EXPECT_EQ(output.result.evaluation_episodes(), 100);
  EXPECT_LE(output.result.environment_steps(), 153600);
  EXPECT_EQ(static_cast<int64_t>(context.reports.size()), output.result.iterations());
  EXPECT_EQ(Metric(context, "environment_steps").back(), static_cast<double>(output.result.environment_steps()));
  EXPECT_GT(Metric(context, "mean_return").back(), 3 * Metric(context, "mean_return").front());
  EXPECT_EQ(context.requests.back().action_mode(), v1::ACTION_MODE_GREEDY);
}

TEST(Ppo, TheSameInputGivesTheSameBits) {
  FakeTrainingContext one, other, third;
  const std::string stop = " stop { mean_return: 475 episodes: 3 interval: 2 }";
  const TrainingOutput a = *TrainPpo(Input("environment_steps: 5000", "seed: 4" + stop), one);
  const TrainingOutput b = *TrainPpo(Input("environment_steps: 5000", "seed: 4" + stop), other);
  const TrainingOutput c = *TrainPpo(Input("environment_steps: 5000", "seed: 5" + stop), third);
  EXPECT_TRUE(testing::SameParameters(*a.policy, *b.policy));
  EXPECT_EQ(a.result.SerializeAsString(), b.result.SerializeAsString());
  EXPECT_FALSE(testing::SameParameters(*a.policy, *c.policy));
}

TEST(Ppo, EverySegmentContinuesWhereItsSlotStoodWithTheNewestPolicy) {
  FakeTrainingContext context;
  ASSERT_TRUE(TrainPpo(Input(std::string(kSmall) + "environment_steps: 384", "seed: 6"), context).ok());
  ASSERT_EQ(context.requests.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    const v1::RolloutRequest& request = context.requests[i];
    EXPECT_EQ(request.policy(), "trained");
    EXPECT_EQ(request.policy_version(), i + 1);
    EXPECT_EQ(request.seed(), 6u);
    EXPECT_EQ(request.action_mode(), v1::ACTION_MODE_SAMPLE);
    EXPECT_EQ(request.segments().steps(), 64);
    ASSERT_EQ(request.segments().states_size(), i == 0 ? 0 : 2);
    if (i > 0) {
      EXPECT_EQ(request.segments().states(1).steps(), 64 * i);
    }
  }
}

TEST(Ppo, TrainsAsManyWholeIterationsAsTheBudgetHasRoomForAndSaysWhatWasAsked) {
  FakeTrainingContext context;
  const TrainingOutput output = *TrainPpo(Input(std::string(kSmall) + "environment_steps: 500 epochs: 3"), context);
  EXPECT_EQ(output.result.iterations(), 3);
  EXPECT_EQ(output.result.environment_steps(), 384);
  EXPECT_EQ(output.result.requested_steps(), 500);
  EXPECT_EQ(output.result.updates(), 3 * 3 * 2);
  EXPECT_EQ(context.reports.back().done(), 384);
  EXPECT_EQ(context.reports.back().total(), 384);
}

TEST(Ppo, NeverTrainsMoreThanItsBudgetAndRefusesOneThatIsTooSmall) {
  FakeTrainingContext context;
  EXPECT_EQ(
      TrainPpo(Input(std::string(kSmall) + "environment_steps: 127"), context).status(),
      absl::InvalidArgumentError("environment_steps: found 127, expected at least 128, the steps of an iteration"));
  EXPECT_TRUE(context.requests.empty());
}

TEST(Ppo, TheLastMinibatchMayBeSmaller) {
  FakeTrainingContext context;
  const TrainingOutput output =
      *TrainPpo(Input("slots: 2 steps_per_slot: 50 minibatch_size: 64 environment_steps: 100 epochs: 1"), context);
  EXPECT_EQ(output.result.updates(), 2);
}

TEST(Ppo, WithoutAStopRuleNothingIsEvaluated) {
  FakeTrainingContext context;
  const TrainingOutput output = *TrainPpo(Input(std::string(kSmall) + "environment_steps: 384"), context);
  EXPECT_FALSE(output.result.converged());
  EXPECT_EQ(output.result.evaluation_episodes(), 0);
  for (const v1::RolloutRequest& request : context.requests) EXPECT_TRUE(request.has_segments());
}

TEST(Ppo, EvaluatesAtEveryIntervalAndTheLastParameters) {
  FakeTrainingContext context;
  const TrainingOutput output = *TrainPpo(
      Input(std::string(kSmall) + "environment_steps: 640", "stop { mean_return: 475 episodes: 2 interval: 2 }"),
      context);
  EXPECT_FALSE(output.result.converged());
  std::vector<int64_t> evaluated;
  for (const v1::RolloutRequest& request : context.requests) {
    if (request.has_episodes()) evaluated.push_back(request.policy_version());
  }
  EXPECT_THAT(evaluated, ::testing::ElementsAre(3, 5, 6));  // after iterations 2 and 4, and at the end
  EXPECT_EQ(context.reports[1].metrics().count("evaluation_mean_return"), 1u);
  EXPECT_EQ(context.reports[2].metrics().count("evaluation_mean_return"), 0u);
  EXPECT_EQ(output.policy->header.version(), 6);
}

TEST(Ppo, ReportsEveryMetricOfEveryIteration) {
  FakeTrainingContext context;
  ASSERT_TRUE(TrainPpo(Input(std::string(kSmall) + "environment_steps: 384"), context).ok());
  ASSERT_EQ(context.reports.size(), 3u);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(context.reports[i].iteration(), i + 1);
    EXPECT_EQ(context.reports[i].done(), 128 * (i + 1));
    EXPECT_EQ(context.reports[i].total(), 384);
    EXPECT_EQ(context.reports[i].unit(), "steps");
  }
  for (const char* name : {"policy_loss", "value_loss", "entropy", "approximate_kl", "clip_fraction", "gradient_norm",
                           "explained_variance", "learning_rate", "environment_steps", "seconds", "mean_return"}) {
    for (const double value : Metric(context, name)) EXPECT_TRUE(std::isfinite(value)) << name;
  }
  EXPECT_NEAR(Metric(context, "entropy")[0], std::log(2.0), 0.05);
}

TEST(Ppo, LinearSchedulesFallToZeroAtTheBudgetsEnd) {
  FakeTrainingContext linear, constant;
  const std::string options =
      std::string(kSmall) + "environment_steps: 512 learning_rate: 0.4 learning_rate_schedule: ";
  ASSERT_TRUE(TrainPpo(Input(options + "'linear'"), linear).ok());
  ASSERT_TRUE(TrainPpo(Input(options + "'constant'"), constant).ok());
  using ::testing::DoubleNear;
  EXPECT_THAT(Metric(linear, "learning_rate"),
              ::testing::ElementsAre(0.4, DoubleNear(0.3, 1e-12), DoubleNear(0.2, 1e-12), DoubleNear(0.1, 1e-12)));
  EXPECT_THAT(Metric(constant, "learning_rate"), ::testing::Each(0.4));
}

TEST(Ppo, TheClipScheduleNarrowsTheClip) {
  FakeTrainingContext linear, constant;
  const std::string options =
      std::string(kSmall) + "environment_steps: 512 learning_rate: 0.003 clip: 0.02 clip_schedule: ";
  ASSERT_TRUE(TrainPpo(Input(options + "'linear'"), linear).ok());
  ASSERT_TRUE(TrainPpo(Input(options + "'constant'"), constant).ok());
  EXPECT_EQ(Metric(linear, "clip_fraction")[0], Metric(constant, "clip_fraction")[0]);
  EXPECT_NE(Metric(linear, "clip_fraction")[1], Metric(constant, "clip_fraction")[1]);
}

TEST(Ppo, EpochsEndWhereTheKlPassesItsTarget) {
  const std::string options = std::string(kSmall) + "environment_steps: 128 epochs: 10 learning_rate: 0.05 target_kl: ";
  FakeTrainingContext context;
  EXPECT_LT(TrainPpo(Input(options + "0.001"), context)->result.updates(), 20);
  EXPECT_EQ(TrainPpo(Input(options + "0"), context)->result.updates(), 20);
  EXPECT_EQ(TrainPpo(Input(options + "1e9"), context)->result.updates(), 20);
}

TEST(Ppo, StartsFromTheInitialPolicy) {
  FakeTrainingContext context;
  TrainingInput input = Input(std::string(kSmall) + "environment_steps: 128 learning_rate: 1e-9",
                              "stop { mean_return: 475 episodes: 20 }");
  input.stage.clear_network();
  input.initial = testing::BalancingExpert();
  EXPECT_TRUE(TrainPpo(input, context)->result.converged());
}

TEST(Ppo, AnAdvantageThatIsNotFiniteFailsWithItsNameAndIteration) {
  FakeTrainingContext context;
  context.checkpoints_due = true;
  context.reward_scale = 3e38f;  // advantages overflow
  const absl::Status status = TrainPpo(Input(kSmall), context).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()),
              MatchesRegex("ppo: element [0-9]+ of advantages is inf in iteration 1: .*"));
  EXPECT_TRUE(context.reports.empty());
  EXPECT_TRUE(context.checkpoints.empty());
}

TEST(Ppo, DivergingFailsWithTheTensorAndIterationAndTheLastGoodCheckpointRemains) {
  FakeTrainingContext context;
  context.checkpoints_due = true;
  TrainingInput input = Input(std::string(kSmall) + "environment_steps: 12800 learning_rate_schedule: 'constant'");
  input.stage.mutable_ppo()->set_learning_rate(1e37);  // more than is allowed, for speed
  const absl::Status status = TrainPpo(input, context).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), MatchesRegex("ppo: .* is -?(nan|inf) in iteration " +
                                                          std::to_string(context.reports.size() + 1) + ": .*"));
  EXPECT_EQ(context.checkpoints.size(), context.reports.size());
  for (const v1::Checkpoint& checkpoint : context.checkpoints) EXPECT_TRUE(ValidateCheckpoint(checkpoint).ok());
}

TEST(Ppo, ANumberFromARolloutThatIsNotFiniteFailsWithItsColumnAndIteration) {
  FakeTrainingContext context;
  context.reward_scale = NAN;
  EXPECT_THAT(std::string(TrainPpo(Input(kSmall), context).status().message()),
              HasSubstr("iteration 1: column rewards element 0: found nan"));
}

TEST(Ppo, OffersACheckpointAfterEveryIterationAndTakesItOnlyWhenDue) {
  FakeTrainingContext due, not_due;
  due.checkpoints_due = true;
  ASSERT_TRUE(TrainPpo(Input(std::string(kSmall) + "environment_steps: 384"), due).ok());
  ASSERT_TRUE(TrainPpo(Input(std::string(kSmall) + "environment_steps: 384"), not_due).ok());
  EXPECT_EQ(due.checkpoints.size(), 3u);
  EXPECT_TRUE(not_due.checkpoints.empty());
}

TEST(Ppo, PassesCancellationOnWhereverItIs) {
  for (const int calls : {0, 1, 2, 5, 30}) {
    FakeTrainingContext context;
    context.calls_until_cancelled = calls;
    EXPECT_EQ(TrainPpo(Input(kSmall, "stop { mean_return: 475 episodes: 2 interval: 1 }"), context).status().code(),
              absl::StatusCode::kCancelled)
        << calls;
  }
}

}  // namespace
}  // namespace understudy
