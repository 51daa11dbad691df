#include "coordinator/stage_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "coordinator/storage/data_directory.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/coordinator/storage/temporary_directory.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;
using ::understudy::testing::CartPoleSpec;
using ::understudy::testing::TestSnapshot;

// Stages 0 and 1 have made expert@3 and expert@4; `uses` is what stage 2 refers to.
v1::Experiment AfterTwoTrainings(const std::string& uses, int64_t version) {
  v1::Experiment experiment;
  experiment.mutable_spec()->set_environment("CartPole-v1");
  for (int stage = 0; stage < 3; ++stage) {
    experiment.mutable_spec()->add_stages();
    experiment.add_stages();
  }
  for (int stage = 0; stage < 2; ++stage) {
    experiment.mutable_stages(stage)->mutable_train()->set_policy("expert");
    experiment.mutable_stages(stage)->mutable_train()->set_policy_version(3 + stage);
  }
  experiment.mutable_stages(2)->mutable_uses()->set_name(uses);
  experiment.mutable_stages(2)->mutable_uses()->set_version(version);
  return experiment;
}

class StageInputs : public ::testing::Test {
 protected:
  Store& store() { return data_->store(); }

 private:
  testing::TemporaryDirectory directory_;
  std::unique_ptr<DataDirectory> data_ =
      DataDirectory::Open(directory_.File("data"), DataDirectory::Mode::kCreate).value();
};

TEST_F(StageInputs, APolicyIsTheVersionThatIsNamedOrWhatTheLatestEarlierStageMade) {
  EXPECT_EQ(ResolvePolicy(AfterTwoTrainings("expert", 1), 2).value().version, 1);
  EXPECT_EQ(ResolvePolicy(AfterTwoTrainings("expert", 0), 2).value().version, 4);
  EXPECT_EQ(ResolvePolicy(AfterTwoTrainings("clone", 0), 2).status(),
            absl::NotFoundError("no earlier stage has made policy clone"));
}

TEST_F(StageInputs, APolicyMustFitTheEnvironment) {
  ASSERT_TRUE(store().AddPolicy(*TestSnapshot("expert", 1), {}).ok());
  const v1::Experiment experiment = AfterTwoTrainings("expert", 1);
  EXPECT_TRUE(LoadStagePolicy(experiment, 2, CartPoleSpec(), store()).ok());
  v1::EnvironmentSpec other = CartPoleSpec();
  other.mutable_action_space()->mutable_discrete()->set_n(3);
  EXPECT_TRUE(absl::IsInvalidArgument(LoadStagePolicy(experiment, 2, other, store()).status()));
}

TEST_F(StageInputs, LearnersAreToldWhatTheyStartFromAndHowManyTheyAre) {
  ASSERT_TRUE(store().AddPolicy(*TestSnapshot("expert", 1), {}).ok());
  v1::Experiment experiment = AfterTwoTrainings("expert", 1);
  v1::TrainStage& train = *experiment.mutable_spec()->mutable_stages(2)->mutable_train();
  train.set_initial("expert");
  const v1::LearnerWork work = MakeLearnerWork(experiment, 2, store()).value();
  EXPECT_EQ(work.environment(), "CartPole-v1");
  EXPECT_EQ(work.initial().name(), "expert");
  EXPECT_EQ(work.initial().version(), 1);
  EXPECT_EQ(work.train().learners(), 1);  // where nothing is said
  train.set_dataset("demos");
  EXPECT_TRUE(absl::IsNotFound(MakeLearnerWork(experiment, 2, store()).status()));
  ASSERT_TRUE(store().CreateDataset(testing::NewDataset("demos")).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(MakeLearnerWork(experiment, 2, store()).status()));
}

TEST_F(StageInputs, ADatasetIsMadeOnceAndFoundWithWhatItHas) {
  const v1::Dataset dataset = testing::NewDataset("demos");
  EXPECT_EQ(FindOrCreateDataset(dataset, store()).value().name(), "demos");
  ASSERT_TRUE(testing::Append(store(), "demos", {0, 1}, 20).ok());
  EXPECT_EQ(FindOrCreateDataset(dataset, store()).value().episodes(), 2);
  v1::Dataset other = dataset;
  other.mutable_recipe()->set_seed(dataset.recipe().seed() + 1);
  const absl::Status refused = FindOrCreateDataset(other, store()).status();
  EXPECT_TRUE(absl::IsAlreadyExists(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("another recipe"));
}

}  // namespace
}  // namespace understudy
