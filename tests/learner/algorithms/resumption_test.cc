// Training that went on from a checkpoint is the training that nothing disturbed: the same bits, wherever it was cut.
#include <gmock/gmock.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "learner/algorithms/algorithm.h"
#include "learner/algorithms/bc/bc.h"
#include "learner/algorithms/ppo/ppo.h"
#include "learner/checkpoint.h"
#include "tests/testing/fake_training_context.h"
#include "tests/testing/training_inputs.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using testing::CartPoleTraining;
using testing::FakeTrainingContext;
using ::testing::HasSubstr;

using Trainer = absl::StatusOr<TrainingOutput> (*)(const TrainingInput&, TrainingContext&);

std::string Bits(const google::protobuf::MessageLite& message) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  message.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

std::vector<std::string> AllBits(std::vector<v1::Checkpoint> checkpoints) {
  std::vector<std::string> bits;
  for (v1::Checkpoint& checkpoint : checkpoints) {
    checkpoint.clear_seconds();
    bits.push_back(Bits(checkpoint));
  }
  return bits;
}

std::vector<std::string> AllBits(std::vector<v1::StageProgress> reports) {
  std::vector<std::string> bits;
  for (v1::StageProgress& report : reports) {
    report.mutable_metrics()->erase("seconds");
    bits.push_back(Bits(report));
  }
  return bits;
}

std::vector<std::string> AllBits(std::vector<v1::RolloutRequest> requests) {
  std::vector<std::string> bits;
  for (v1::RolloutRequest& request : requests) {
    request.clear_id();
    bits.push_back(Bits(request));
  }
  return bits;
}

// What `part` is the end of.
template <typename Message>
void ExpectEnding(const std::vector<Message>& part, const std::vector<Message>& whole) {
  ASSERT_LE(part.size(), whole.size());
  const std::vector<Message> ending(whole.end() - static_cast<ptrdiff_t>(part.size()), whole.end());
  EXPECT_TRUE(AllBits(part) == AllBits(ending));
}

// What came of training, with a checkpoint after every iteration that allows one.
struct Trained {
  TrainingOutput output;
  FakeTrainingContext context;
};

Trained Train(Trainer trainer, const TrainingInput& input, const Demonstrations& demonstrations) {
  Trained trained;
  trained.context.demonstrations = demonstrations;
  trained.context.checkpoints_due = true;
  if (input.checkpoint.has_value()) trained.context.trajectories_before = input.checkpoint->trajectories();
  absl::StatusOr<TrainingOutput> output = trainer(input, trained.context);
  EXPECT_TRUE(output.ok()) << output.status();
  if (output.ok()) trained.output = *std::move(output);
  return trained;
}

// As a learner gets a checkpoint back: through its bytes.
v1::Checkpoint Stored(const v1::Checkpoint& checkpoint) {
  absl::StatusOr<v1::Checkpoint> parsed = ParseCheckpoint(checkpoint.SerializeAsString());
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  return parsed.ok() ? *std::move(parsed) : v1::Checkpoint();
}

// Trains once, then goes on from every checkpoint of it. Returns the undisturbed training.
Trained ExpectTheSameFromEveryCheckpoint(Trainer trainer, TrainingInput input,
                                         const Demonstrations& demonstrations = {}) {
  const Trained whole = Train(trainer, input, demonstrations);
  const std::vector<v1::Checkpoint>& checkpoints = whole.context.checkpoints;
  EXPECT_GE(2 * static_cast<int64_t>(checkpoints.size()), whole.output.result.iterations());
  const std::string fresh = StartingPolicy(input)->Snapshot("fresh", 1)->parameters;
  for (size_t k = 0; k < checkpoints.size(); ++k) {
    const int64_t iteration = checkpoints[k].iteration();
    SCOPED_TRACE(absl::StrCat("after iteration ", iteration));
    EXPECT_FALSE(checkpoints[k].parameters() == fresh);
    input.checkpoint = Stored(checkpoints[k]);
    const Trained rest = Train(trainer, input, demonstrations);
    if (rest.output.policy == nullptr) break;
    EXPECT_EQ(rest.context.checkpoints.size(), checkpoints.size() - k - 1);
    ExpectEnding(rest.context.checkpoints, checkpoints);
    EXPECT_EQ(rest.context.reports.size(), whole.context.reports.size() - static_cast<size_t>(iteration));
    ExpectEnding(rest.context.reports, whole.context.reports);
    ExpectEnding(rest.context.requests, whole.context.requests);
    EXPECT_EQ(ToHex(rest.output.policy->header.digest()), ToHex(whole.output.policy->header.digest()));
    EXPECT_EQ(rest.output.policy->header.version(), whole.output.policy->header.version());
    EXPECT_TRUE(Bits(rest.output.result) == Bits(whole.output.result)) << rest.output.result.DebugString();
    for (const v1::StageProgress& report : rest.context.reports) {
      EXPECT_GE(report.metrics().at("seconds"), checkpoints[k].seconds());
    }
  }
  return whole;
}

TrainingInput Ppo(const std::string& ppo, const std::string& more = "") {
  return CartPoleTraining("algorithm: 'ppo' " + more +
                          " ppo { slots: 3 steps_per_slot: 40 minibatch_size: 50 epochs: 3 " + ppo + " }");
}

TrainingInput Bc(const std::string& bc, const std::string& more = "") {
  return CartPoleTraining("algorithm: 'bc' dataset: 'demonstrations' " + more + " bc { minibatch_size: 64 " + bc +
                          " }");
}

const Demonstrations& Recorded() {
  static const Demonstrations demonstrations =
      *testing::RecordDemonstrations(testing::CartPoleSpec(), testing::BalancingExpert(), 0, 1500);
  return demonstrations;
}

TEST(Resumption, PpoGoesOnFromEveryCheckpointToTheSameBits) {
  const Trained whole = ExpectTheSameFromEveryCheckpoint(
      TrainPpo, Ppo("environment_steps: 720", "seed: 4 stop { mean_return: 475 episodes: 3 interval: 2 }"));
  // None while an evaluation is under way, but for the one that waits for it.
  std::vector<int64_t> iterations;
  for (const v1::Checkpoint& checkpoint : whole.context.checkpoints) iterations.push_back(checkpoint.iteration());
  EXPECT_THAT(iterations, ::testing::ElementsAre(1, 3, 5));
  EXPECT_EQ(whole.context.checkpoints[2].stop_rule().evaluated_version(), 5);
  EXPECT_EQ(whole.context.reports.size(), 6u);
}

TEST(Resumption, NoCheckpointIsPutOffWhereTheProcessIsToEnd) {
  FakeTrainingContext context;
  context.checkpoints_due = true;
  context.draining = true;
  const TrainingInput input =
      Ppo("environment_steps: 720", "seed: 4 stop { mean_return: 475 episodes: 3 interval: 2 }");
  ASSERT_TRUE(TrainPpo(input, context).ok());
  ASSERT_EQ(context.checkpoints.size(), 6u);
  EXPECT_EQ(context.checkpoints[1].stop_rule().evaluated_version(), 3);
}

TEST(Resumption, PpoWithPolicyLagToo) {
  const Trained whole =
      ExpectTheSameFromEveryCheckpoint(TrainPpo, Ppo("environment_steps: 720 max_policy_lag: 1", "seed: 4"));
  EXPECT_EQ(whole.context.checkpoints.size(), 6u);
  EXPECT_FALSE(whole.context.checkpoints[2].ppo().behaviour_parameters().empty());
  EXPECT_TRUE(whole.context.checkpoints[5].ppo().behaviour_parameters().empty());  // nothing is left to collect
  ExpectTheSameFromEveryCheckpoint(TrainPpo, Ppo("environment_steps: 1200 max_policy_lag: 1",
                                                 "seed: 4 stop { mean_return: 475 episodes: 3 interval: 3 }"));
}

TEST(Resumption, PpoWithASharedTrunkAndKlTargetToo) {
  ExpectTheSameFromEveryCheckpoint(
      TrainPpo,
      Ppo("environment_steps: 480 learning_rate: 0.02 target_kl: 0.01 value_clip: 0.2 entropy_coefficient: 0.01",
          "network { hidden_sizes: [16, 16] trunk: 'shared' activation: 'relu' }"));
}

TEST(Resumption, PpoActsFirstWithTheCheckpointsParameters) {
  const TrainingInput input = Ppo("environment_steps: 480", "seed: 9");
  const Trained whole = Train(TrainPpo, input, {});
  for (size_t k = 0; k + 1 < whole.context.checkpoints.size(); ++k) {
    TrainingInput resumed = input;
    resumed.checkpoint = Stored(whole.context.checkpoints[k]);
    const Trained rest = Train(TrainPpo, resumed, {});
    ASSERT_FALSE(rest.context.policies.empty());
    EXPECT_TRUE(rest.context.policies[0]->parameters == whole.context.checkpoints[k].parameters()) << k;
    EXPECT_EQ(rest.context.policies[0]->header.version(), static_cast<int64_t>(k) + 2);
    EXPECT_FALSE(rest.context.policies[0]->parameters == whole.context.policies[0]->parameters) << k;
  }
}

TEST(Resumption, AStopRuleIsReachedAfterTheSameIteration) {
  TrainingInput input =
      Ppo("environment_steps: 1200 learning_rate: 1e-9", "stop { mean_return: 475 episodes: 20 interval: 2 }");
  input.stage.clear_network();
  input.initial = testing::BalancingExpert();
  const Trained whole = ExpectTheSameFromEveryCheckpoint(TrainPpo, input);
  ASSERT_EQ(whole.context.checkpoints.size(), 1u);
  EXPECT_TRUE(whole.output.result.converged());
  EXPECT_EQ(whole.output.result.iterations(), 2);
}

TEST(Resumption, CrossEntropyRunsOutOfPatienceAsIfUndisturbed) {
  const Trained whole = ExpectTheSameFromEveryCheckpoint(
      TrainBc, Bc("epochs: 200 learning_rate: 0.05 patience: 3 validation_split: 0.4"), Recorded());
  EXPECT_LT(whole.output.result.iterations(), 200);
  EXPECT_LT(whole.output.policy->header.version(), whole.output.result.iterations());  // the best, not the last
}

TEST(Resumption, CrossEntropyWithAStopRuleToo) {
  ExpectTheSameFromEveryCheckpoint(
      TrainBc, Bc("epochs: 5 learning_rate: 1e-5 patience: 10", "stop { mean_return: 475 episodes: 2 interval: 2 }"),
      Recorded());
}

TEST(Resumption, CrossEntropyWithoutValidationToo) {
  ExpectTheSameFromEveryCheckpoint(TrainBc, Bc("epochs: 4 patience: 2 validation_split: 0"), Recorded());
  ExpectTheSameFromEveryCheckpoint(TrainBc, Bc("epochs: 4 patience: 0"), Recorded());
}

TEST(Resumption, DistillationRunsOutOfPatienceAsIfUndisturbed) {
  const Trained whole = ExpectTheSameFromEveryCheckpoint(
      TrainBc, Bc("loss: 'distillation' epochs: 60 learning_rate: 0.05 patience: 2 validation_split: 0.4"), Recorded());
  EXPECT_LT(whole.output.result.iterations(), 60);
}

// How resuming a stage from a checkpoint fails.
absl::Status Refusal(Trainer trainer, TrainingInput input, v1::Checkpoint checkpoint,
                     const Demonstrations& demonstrations = {}) {
  FakeTrainingContext context;
  context.demonstrations = demonstrations;
  input.checkpoint = std::move(checkpoint);
  const absl::Status status = trainer(input, context).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(DoesNotFit(status)) << status;
  EXPECT_TRUE(context.requests.empty());
  return status;
}

TEST(Resumption, PpoRefusesACheckpointOfAnotherLagByName) {
  const TrainingInput on_policy = Ppo("environment_steps: 480");
  const TrainingInput lagging = Ppo("environment_steps: 480 max_policy_lag: 1");
  EXPECT_EQ(Refusal(TrainPpo, lagging, Train(TrainPpo, on_policy, {}).context.checkpoints[0]).message(),
            "checkpoint ppo.behaviour_parameters: found none, expected some");
  EXPECT_EQ(Refusal(TrainPpo, on_policy, Train(TrainPpo, lagging, {}).context.checkpoints[0]).message(),
            "checkpoint ppo.behaviour_parameters: found some, expected none");
}

TEST(Resumption, PpoRefusesACheckpointOfAnotherStageByName) {
  const TrainingInput input = Ppo("environment_steps: 240");
  const v1::Checkpoint good = Train(TrainPpo, input, {}).context.checkpoints[0];
  v1::Checkpoint checkpoint = good;
  checkpoint.mutable_ppo()->mutable_slots()->RemoveLast();
  EXPECT_EQ(Refusal(TrainPpo, input, checkpoint).message(), "checkpoint ppo.slots: found 2, expected 3");
  checkpoint = good;
  for (v1::SlotState& slot : *checkpoint.mutable_ppo()->mutable_slots()) slot.set_steps(41);
  EXPECT_EQ(Refusal(TrainPpo, input, checkpoint).message(), "checkpoint ppo.slots 0 steps: found 41, expected 40");
  checkpoint = good;
  checkpoint.mutable_bc();
  EXPECT_EQ(Refusal(TrainPpo, input, checkpoint).message(),
            "checkpoint algorithm: found the state of another, expected that of ppo");
  checkpoint = good;
  checkpoint.set_iteration(3);
  EXPECT_EQ(Refusal(TrainPpo, input, checkpoint).message(), "checkpoint iteration: found 3, expected at most 2");
  EXPECT_THAT(
      std::string(Refusal(TrainPpo, Ppo("environment_steps: 240", "network { hidden_sizes: 5 }"), good).message()),
      HasSubstr("checkpoint fingerprint: found "));
}

TEST(Resumption, BcRefusesACheckpointOfAnotherStageByName) {
  const TrainingInput input = Bc("epochs: 2 patience: 2 validation_split: 0.4");
  const v1::Checkpoint good = Train(TrainBc, input, Recorded()).context.checkpoints[0];
  v1::Checkpoint checkpoint = good;
  checkpoint.mutable_ppo();
  EXPECT_EQ(Refusal(TrainBc, input, checkpoint, Recorded()).message(),
            "checkpoint algorithm: found the state of another, expected that of bc");
  checkpoint = good;
  checkpoint.mutable_bc()->clear_best();
  EXPECT_EQ(Refusal(TrainBc, input, checkpoint, Recorded()).message(), "checkpoint bc.best: found none, expected one");
  EXPECT_EQ(Refusal(TrainBc, Bc("epochs: 2 validation_split: 0"), good, Recorded()).message(),
            "checkpoint bc.last.validation_loss: found one, expected none");
}

}  // namespace
}  // namespace understudy
