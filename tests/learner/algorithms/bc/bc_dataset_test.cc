#include "learner/algorithms/bc/bc_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "common/environment/registry.h"
#include "tests/testing/training_inputs.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using testing::CartPoleSpec;
using testing::CartPoleTraining;
using ::testing::HasSubstr;

Demonstrations Episodes(int64_t count, int64_t steps, bool record = false) {
  std::vector<int64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), int64_t{0});
  Demonstrations demonstrations;
  demonstrations.dataset.set_name("expert-data");
  *demonstrations.dataset.mutable_recipe()->mutable_environment() = CartPoleSpec();
  if (record) {
    demonstrations.dataset.mutable_recipe()->add_record(v1::RECORD_LOGITS);
    demonstrations.dataset.mutable_recipe()->add_record(v1::RECORD_VALUE);
  }
  demonstrations.batches.push_back(testing::EpisodeBatch(numbers, steps, {.record = record}));
  return demonstrations;
}

v1::BcOptions Options(const std::string& bc) {
  return CartPoleTraining("algorithm: 'bc' dataset: 'expert-data' bc { " + bc + " }").stage.bc();
}

absl::StatusOr<BcDataset> Make(const Demonstrations& demonstrations, const std::string& bc, uint64_t seed = 0) {
  return MakeBcDataset(demonstrations, CartPoleSpec(), Options(bc), seed);
}

std::vector<float> FirstColumn(const BcData& data) {
  std::vector<float> column;
  for (int64_t i = 0; i < data.steps(); ++i) column.push_back(data.observations[4 * static_cast<size_t>(i)]);
  return column;
}

TEST(BcDataset, HoldsOutWholeEpisodes) {
  const Demonstrations episodes = Episodes(10, 7);
  const BcDataset dataset = *Make(episodes, "validation_split: 0.2");
  EXPECT_EQ(dataset.training.steps(), 56);
  EXPECT_EQ(dataset.validation.steps(), 14);
  EXPECT_EQ(dataset.training.observations.size(), 56u * 4);
  std::vector<float> all = FirstColumn(dataset.training);
  const std::vector<float> held_out = FirstColumn(dataset.validation);
  all.insert(all.end(), held_out.begin(), held_out.end());
  std::vector<float> expected;
  for (const TrajectoryView& view : ViewTrajectories(episodes.batches[0], CartPoleSpec())) {
    for (int step = 0; step < 7; ++step) expected.push_back(view.observations[4 * step]);
  }
  EXPECT_THAT(all, ::testing::UnorderedElementsAreArray(expected));
}

TEST(BcDataset, TheSeedChoosesTheEpisodes) {
  std::set<std::vector<float>> choices;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    choices.insert(FirstColumn(Make(Episodes(10, 3), "validation_split: 0.1", seed)->validation));
    EXPECT_TRUE(choices.contains(FirstColumn(Make(Episodes(10, 3), "validation_split: 0.1", seed)->validation)));
  }
  EXPECT_GT(choices.size(), 2u);
}

TEST(BcDataset, BothPartsGetAnEpisodeWhereThereAreTwo) {
  EXPECT_EQ(Make(Episodes(2, 5), "validation_split: 0.01")->validation.steps(), 5);
  EXPECT_EQ(Make(Episodes(2, 5), "validation_split: 0.99")->training.steps(), 5);
}

TEST(BcDataset, ASingleEpisodeIsTrainedOn) {
  const BcDataset dataset = *Make(Episodes(1, 5), "validation_split: 0.5");
  EXPECT_EQ(dataset.training.steps(), 5);
  EXPECT_EQ(dataset.validation.steps(), 0);
}

TEST(BcDataset, WithoutASplitNothingIsHeldOut) {
  EXPECT_EQ(Make(Episodes(4, 5), "validation_split: 0")->training.steps(), 20);
}

TEST(BcDataset, LogitsAndValuesStayWithTheirSteps) {
  const Demonstrations demonstrations = Episodes(1, 4, true);
  const BcDataset dataset = *Make(demonstrations, "loss: 'distillation'");
  const TrajectoryView view = ViewTrajectories(demonstrations.batches[0], CartPoleSpec())[0];
  EXPECT_THAT(dataset.training.logits, ::testing::ElementsAreArray(view.logits));
  EXPECT_THAT(dataset.training.values, ::testing::ElementsAreArray(view.values));
  BcData minibatch;
  GatherSteps(dataset.training, std::vector<uint32_t>{3, 1}, minibatch);
  EXPECT_THAT(minibatch.logits, ::testing::ElementsAre(view.logits[6], view.logits[7], view.logits[2], view.logits[3]));
  EXPECT_THAT(minibatch.values, ::testing::ElementsAre(view.values[3], view.values[1]));
  EXPECT_EQ(minibatch.observations[1], view.observations[3 * 4 + 1]);
}

TEST(BcDataset, AnEmptyOneIsRefusedByName) {
  const absl::Status status = Make(Episodes(0, 5), "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("expert-data"));
}

TEST(BcDataset, DistillationNeedsRecordedLogitsAndValues) {
  const absl::Status status = Make(Episodes(2, 5), "loss: 'distillation'").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("expert-data"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("logits"));
}

TEST(BcDataset, AnotherEnvironmentIsRefusedWithBothNamed) {
  Demonstrations demonstrations = Episodes(2, 5);
  *demonstrations.dataset.mutable_recipe()->mutable_environment() = *FindEnvironmentSpec("CartPole-v0");
  const absl::Status status = Make(demonstrations, "").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("found environment CartPole-v0"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("expected CartPole-v1"));
}

TEST(BcDataset, OtherSpacesAreRefused) {
  Demonstrations demonstrations = Episodes(2, 5);
  demonstrations.dataset.mutable_recipe()->mutable_environment()->mutable_action_space()->mutable_discrete()->set_n(3);
  EXPECT_EQ(Make(demonstrations, "").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace understudy
