#include "learner/algorithms/bc/bc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "learner/algorithms/bc/bc_dataset.h"
#include "tests/testing/fake_training_context.h"
#include "tests/testing/training_inputs.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using testing::CartPoleTraining;
using testing::FakeTrainingContext;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

TrainingInput Input(const std::string& bc, const std::string& more = "") {
  return CartPoleTraining("algorithm: 'bc' dataset: 'demonstrations' " + more + " bc { " + bc + " }");
}

FakeTrainingContext ContextWith(int64_t transitions,
                                const std::shared_ptr<const PolicySnapshot>& expert = testing::BalancingExpert()) {
  FakeTrainingContext context;
  context.demonstrations = *testing::RecordDemonstrations(testing::CartPoleSpec(), expert, 0, transitions);
  return context;
}

std::vector<double> Metric(const FakeTrainingContext& context, const std::string& name) {
  std::vector<double> values;
  for (const v1::StageProgress& report : context.reports) values.push_back(report.metrics().at(name));
  return values;
}

TEST(Bc, OverfitsASmallDataset) {
  FakeTrainingContext context = ContextWith(100);
  const TrainingOutput output = *TrainBc(
      Input("epochs: 300 minibatch_size: 64 learning_rate: 0.01 weight_decay: 0 validation_split: 0"), context);
  EXPECT_GT(output.result.train_accuracy(), 0.97);
  EXPECT_LT(Metric(context, "train_loss").back(), 0.2 * Metric(context, "train_loss").front());
  EXPECT_FALSE(output.result.has_validation_loss());
}

TEST(Bc, ClonesAnExpertUntilTheStopRuleIsReached) {
  FakeTrainingContext context = ContextWith(5000);
  const TrainingOutput output = *TrainBc(Input("", "stop { mean_return: 475 episodes: 20 }"), context);
  EXPECT_TRUE(output.result.converged());
  EXPECT_GE(output.result.mean_return(), 475);
  EXPECT_GT(output.result.validation_accuracy(), 0.8);
  EXPECT_EQ(static_cast<int64_t>(context.reports.size()), output.result.iterations());
}

TEST(Bc, DistillationMatchesTheTeachersLogitsAndValues) {
  Policy teacher = *Policy::Create(testing::CartPoleHeader("hidden_sizes: [16]"), 9);
  for (float& parameter : teacher.parameters()) parameter *= 1.5f;
  FakeTrainingContext context = ContextWith(1500, teacher.Snapshot("expert", 1));
  const TrainingInput input = Input("loss: 'distillation' epochs: 150 minibatch_size: 128 patience: 0");
  const TrainingOutput output = *TrainBc(input, context);
  EXPECT_LT(output.result.validation_loss(), 1e-3);
  const Policy student = *Policy::FromSnapshot(*output.policy);
  const BcDataset dataset =
      *MakeBcDataset(context.demonstrations, input.environment, input.stage.bc(), input.stage.seed());
  const std::vector<float>& observations = dataset.validation.observations;
  const size_t steps = static_cast<size_t>(dataset.validation.steps());
  std::vector<float> taught_logits(2 * steps), taught_values(steps), learnt_logits(2 * steps), learnt_values(steps);
  teacher.Infer(observations, {.logits = taught_logits, .values = taught_values});
  student.Infer(observations, {.logits = learnt_logits, .values = learnt_values});
  EXPECT_THAT(learnt_logits, Pointwise(FloatNear(0.1f), taught_logits));
  EXPECT_THAT(learnt_values, Pointwise(FloatNear(0.2f), taught_values));
}

TEST(Bc, TheSameInputGivesTheSameBits) {
  FakeTrainingContext context = ContextWith(600);
  const auto train = [&](const char* seed) { return *TrainBc(Input("epochs: 3", seed), context); };
  const TrainingOutput a = train("seed: 1");
  const TrainingOutput b = train("seed: 1");
  EXPECT_TRUE(testing::SameParameters(*a.policy, *b.policy));
  EXPECT_EQ(a.result.SerializeAsString(), b.result.SerializeAsString());
  EXPECT_FALSE(testing::SameParameters(*a.policy, *train("seed: 2").policy));
}

TEST(Bc, StopsEarlyWithTheParametersOfTheBestValidationLoss) {
  FakeTrainingContext context = ContextWith(1500);
  const TrainingOutput output =
      *TrainBc(Input("epochs: 1000 learning_rate: 0.05 patience: 3 validation_split: 0.4"), context);
  const std::vector<double> losses = Metric(context, "validation_loss");
  const auto best = std::min_element(losses.begin(), losses.end());
  ASSERT_LT(losses.size(), 1000u);
  EXPECT_EQ(losses.end() - best, 4);  // three epochs after it
  EXPECT_EQ(output.result.validation_loss(), *best);
  EXPECT_EQ(output.policy->header.version(), best - losses.begin() + 1);
  EXPECT_EQ(output.result.iterations(), static_cast<int64_t>(losses.size()));
}

TEST(Bc, PatienceEndsNothingWhileAStopRuleIsNotReached) {
  FakeTrainingContext context = ContextWith(1500);
  const std::string options = "epochs: 25 learning_rate: 0.05 patience: 1 validation_split: 0.4";
  const TrainingOutput impatient = *TrainBc(Input(options), context);
  ASSERT_LT(impatient.result.iterations(), 25);
  context.reports.clear();
  // No episode of CartPole-v1 has so many steps.
  const TrainingOutput output =
      *TrainBc(Input(options, "stop { mean_return: 1000 episodes: 2 interval: 10 }"), context);
  EXPECT_FALSE(output.result.converged());
  EXPECT_EQ(output.result.iterations(), 25);
  // What is returned, and was evaluated last, is still what validates best.
  const std::vector<double> losses = Metric(context, "validation_loss");
  const auto best = std::min_element(losses.begin(), losses.end());
  EXPECT_EQ(output.policy->header.version(), best - losses.begin() + 1);
  EXPECT_EQ(context.requests.back().policy_version(), output.policy->header.version());
}

TEST(Bc, WithoutPatienceTheLastEpochCounts) {
  FakeTrainingContext context = ContextWith(1500);
  const TrainingOutput output =
      *TrainBc(Input("epochs: 12 learning_rate: 0.05 patience: 0 validation_split: 0.4"), context);
  EXPECT_EQ(output.result.iterations(), 12);
  EXPECT_EQ(output.policy->header.version(), 12);
  EXPECT_EQ(output.result.validation_loss(), Metric(context, "validation_loss").back());
}

TEST(Bc, TheStopRuleSeesTheParametersThatAreReturned) {
  FakeTrainingContext context = ContextWith(1500);
  const TrainingOutput output = *TrainBc(
      Input("epochs: 3 learning_rate: 1e-6 validation_split: 0.4", "stop { mean_return: 475 episodes: 2 interval: 2 }"),
      context);
  EXPECT_FALSE(output.result.converged());
  EXPECT_EQ(context.requests.back().policy_version(), output.policy->header.version());
  EXPECT_EQ(output.result.evaluation_episodes(), 2);
}

TEST(Bc, UpdatesIncludeTheLastSmallerMinibatch) {
  FakeTrainingContext context = ContextWith(100);
  int64_t steps = 0;
  for (const v1::Trajectory& episode : context.demonstrations.batches[0].trajectories()) steps += episode.steps();
  const TrainingOutput output = *TrainBc(Input("epochs: 2 minibatch_size: 64 validation_split: 0"), context);
  EXPECT_EQ(output.result.updates(), 2 * ((steps + 63) / 64));
  EXPECT_EQ(output.result.environment_steps(), steps);
}

TEST(Bc, ReportsEpochsWithLossAndAccuracyOnBothSplits) {
  FakeTrainingContext context = ContextWith(1500);
  ASSERT_TRUE(TrainBc(Input("epochs: 2 validation_split: 0.4"), context).ok());
  ASSERT_EQ(context.reports.size(), 2u);
  EXPECT_EQ(context.reports[1].iteration(), 2);
  EXPECT_EQ(context.reports[1].done(), 2);
  EXPECT_EQ(context.reports[1].total(), 2);
  EXPECT_EQ(context.reports[1].unit(), "epochs");
  EXPECT_NEAR(Metric(context, "train_loss")[0], std::log(2.0), 0.3);
  for (const char* name : {"train_accuracy", "validation_accuracy"}) {
    EXPECT_GT(Metric(context, name)[1], 0.4) << name;
    EXPECT_LE(Metric(context, name)[1], 1) << name;
  }
}

TEST(Bc, ALogitThatIsNotFiniteFailsWithItsNameAndEpoch) {
  FakeTrainingContext context = ContextWith(100);
  TrainingInput input = Input("");
  Policy broken = *Policy::Create(testing::CartPoleHeader("hidden_sizes: [8]"), 0);
  std::ranges::fill(broken.parameters(), 3e38f);
  input.stage.clear_network();
  input.initial = broken.Snapshot("broken", 1);
  const absl::Status status = TrainBc(input, context).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("bc: element 0 of logits is "));
  EXPECT_THAT(std::string(status.message()), HasSubstr("in epoch 1"));
  EXPECT_TRUE(context.reports.empty());
}

TEST(Bc, DivergingFailsWithTheTensorAndEpochAndTheLastGoodCheckpointRemains) {
  FakeTrainingContext context = ContextWith(300);
  context.checkpoints_due = true;
  TrainingInput input = Input("epochs: 100 minibatch_size: 1000 weight_decay: 0");
  input.stage.mutable_bc()->set_learning_rate(1e37);  // more than is allowed, for speed
  const absl::Status status = TrainBc(input, context).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(
      std::string(status.message()),
      ::testing::MatchesRegex("bc: .* is -?(nan|inf) in epoch " + std::to_string(context.reports.size() + 1) + ": .*"));
  EXPECT_EQ(context.checkpoints.size(), context.reports.size());
}

TEST(Bc, AnEmptyDatasetIsRefusedByName) {
  FakeTrainingContext context;
  context.demonstrations.dataset.set_name("nothing");
  *context.demonstrations.dataset.mutable_recipe()->mutable_environment() = testing::CartPoleSpec();
  const absl::Status status = TrainBc(Input(""), context).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("nothing"));
}

TEST(Bc, PassesCancellationOn) {
  FakeTrainingContext context = ContextWith(600);
  for (const int calls : {0, 1, 4}) {
    context.calls_until_cancelled = calls;
    EXPECT_EQ(TrainBc(Input("", "stop { mean_return: 475 episodes: 2 interval: 1 }"), context).status().code(),
              absl::StatusCode::kCancelled)
        << calls;
  }
}

}  // namespace
}  // namespace understudy
