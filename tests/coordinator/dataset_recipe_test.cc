#include "coordinator/dataset_recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

v1::CollectStage Collect() {
  v1::CollectStage stage;
  stage.set_policy("expert");
  stage.set_dataset("demos");
  stage.set_transitions(10'000);
  stage.set_seed(3);
  stage.set_actions("sample");
  return stage;
}

v1::DatasetRecipe Recipe(const v1::CollectStage& stage = Collect()) {
  const auto snapshot = testing::TestSnapshot("expert", 1);
  v1::PolicyHeader policy = snapshot->header;
  policy.set_digest(snapshot->Digest());
  return MakeRecipe(testing::CartPoleSpec(), stage, policy);
}

v1::Dataset Complete() {
  v1::Dataset dataset;
  dataset.set_name("demos");
  *dataset.mutable_recipe() = Recipe();
  dataset.set_complete(true);
  dataset.set_episodes(20);
  return dataset;
}

TEST(Demonstrations, ARecipeListsItsRecordsAscendingHoweverTheyAreGiven) {
  v1::CollectStage stage = Collect();
  stage.add_record("value");
  stage.add_record("logits");
  const v1::DatasetRecipe recipe = Recipe(stage);
  ASSERT_EQ(recipe.record_size(), 2);
  EXPECT_EQ(recipe.record(0), v1::RECORD_LOGITS);
  EXPECT_EQ(recipe.record(1), v1::RECORD_VALUE);
  EXPECT_EQ(recipe.seed(), 3u);
  EXPECT_EQ(recipe.transitions(), 10'000);
  EXPECT_EQ(recipe.action_mode(), v1::ACTION_MODE_SAMPLE);
}

TEST(Demonstrations, RecipesAreTheSameWhateverThePolicyIsCalled) {
  v1::DatasetRecipe renamed = Recipe();
  renamed.mutable_policy()->set_name("teacher");
  renamed.mutable_policy()->set_version(9);
  EXPECT_TRUE(SameRecipe(Recipe(), renamed));
  renamed.mutable_policy()->set_digest("another");
  EXPECT_FALSE(SameRecipe(Recipe(), renamed));
  renamed.mutable_policy()->clear_digest();
  EXPECT_TRUE(SameRecipe(Recipe(), renamed));
}

TEST(Demonstrations, AnyOtherDifferenceMakesAnotherRecipe) {
  const auto differs = [](auto change) {
    v1::CollectStage stage = Collect();
    change(stage);
    return !SameRecipe(Recipe(), Recipe(stage));
  };
  EXPECT_TRUE(differs([](v1::CollectStage& stage) { stage.set_seed(4); }));
  EXPECT_TRUE(differs([](v1::CollectStage& stage) { stage.set_actions("greedy"); }));
  EXPECT_TRUE(differs([](v1::CollectStage& stage) { stage.set_transitions(9'999); }));
  EXPECT_TRUE(differs([](v1::CollectStage& stage) { stage.set_episodes(1); }));
  EXPECT_TRUE(differs([](v1::CollectStage& stage) { stage.add_record("value"); }));
  v1::DatasetRecipe elsewhere = Recipe();
  elsewhere.mutable_environment()->set_name("CartPole-v0");
  EXPECT_FALSE(SameRecipe(Recipe(), elsewhere));
}

TEST(Demonstrations, ARecipeDoesNotSayHowLongAStepTook) {
  v1::EnvironmentSpec slow = testing::CartPoleSpec();
  slow.set_step_latency_us(5'000);
  const v1::PolicyHeader policy = Recipe().policy();
  EXPECT_EQ(MakeRecipe(slow, Collect(), policy).SerializeAsString(),
            MakeRecipe(testing::CartPoleSpec(), Collect(), policy).SerializeAsString());
}

TEST(Demonstrations, TheErrorSaysWhatTheDatasetIs) {
  const absl::Status error = OtherRecipeError(Complete());
  EXPECT_TRUE(absl::IsAlreadyExists(error));
  EXPECT_THAT(std::string(error.message()),
              HasSubstr("dataset demos exists already with another recipe (policy expert@1 digest "));
  EXPECT_THAT(std::string(error.message()),
              HasSubstr(", CartPole-v1, seed 3, sample, 10000 transitions): delete it or choose another name"));
}

TEST(Demonstrations, OnlyCompleteFittingOnesCanBeLearntFrom) {
  v1::TrainStage train;
  const v1::EnvironmentSpec environment = testing::CartPoleSpec();
  EXPECT_TRUE(CheckDemonstrations(Complete(), train, environment).ok());

  v1::Dataset incomplete = Complete();
  incomplete.set_complete(false);
  EXPECT_TRUE(absl::IsFailedPrecondition(CheckDemonstrations(incomplete, train, environment)));
  v1::Dataset empty = Complete();
  empty.set_episodes(0);
  EXPECT_THAT(std::string(CheckDemonstrations(empty, train, environment).message()), HasSubstr("is empty"));
  v1::Dataset elsewhere = Complete();
  elsewhere.mutable_recipe()->mutable_environment()->set_name("CartPole-v0");
  EXPECT_EQ(CheckDemonstrations(elsewhere, train, environment).message(),
            "dataset demos is of environment CartPole-v0, expected CartPole-v1");
}

TEST(Demonstrations, DistillationNeedsLogitsAndValues) {
  v1::TrainStage train;
  train.mutable_bc()->set_loss("distillation");
  v1::Dataset dataset = Complete();
  EXPECT_TRUE(absl::IsInvalidArgument(CheckDemonstrations(dataset, train, testing::CartPoleSpec())));
  dataset.mutable_recipe()->add_record(v1::RECORD_LOGITS);
  EXPECT_TRUE(absl::IsInvalidArgument(CheckDemonstrations(dataset, train, testing::CartPoleSpec())));
  dataset.mutable_recipe()->add_record(v1::RECORD_VALUE);
  EXPECT_TRUE(CheckDemonstrations(dataset, train, testing::CartPoleSpec()).ok());
}

}  // namespace
}  // namespace understudy
