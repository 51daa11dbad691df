#include "coordinator/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/environment/registry.h"
#include "coordinator/dataset_recipe.h"
#include "coordinator/storage/data_directory.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/coordinator/storage/temporary_directory.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::testing::HasSubstr;

// A store in a directory of its own.
struct TestStore {
  testing::TemporaryDirectory directory;
  std::unique_ptr<DataDirectory> data =
      DataDirectory::Open(directory.File("data"), DataDirectory::Mode::kCreate).value();
  Store& store = data->store();
};

void AddPolicy(Store& store, const std::string& name, int64_t content) {
  ASSERT_TRUE(store.AddPolicy(*testing::TestSnapshot(name, content), v1::StageKey()).ok());
}

v1::ExperimentSpec Experiment() {
  v1::ExperimentSpec spec;
  spec.set_name("test");
  spec.set_environment("CartPole-v1");
  return spec;
}

v1::TrainStage& AddTrain(v1::ExperimentSpec& spec, const std::string& policy) {
  v1::TrainStage& train = *spec.add_stages()->mutable_train();
  train.set_policy(policy);
  train.set_algorithm("ppo");
  return train;
}

v1::TrainStage& AddClone(v1::ExperimentSpec& spec, const std::string& dataset) {
  v1::TrainStage& train = *spec.add_stages()->mutable_train();
  train.set_policy("clone");
  train.set_algorithm("bc");
  train.set_dataset(dataset);
  return train;
}

v1::CollectStage& AddCollect(v1::ExperimentSpec& spec, const std::string& policy, const std::string& dataset) {
  v1::CollectStage& collect = *spec.add_stages()->mutable_collect();
  collect.set_policy(policy);
  collect.set_dataset(dataset);
  collect.set_episodes(2);
  return collect;
}

void AddEvaluate(v1::ExperimentSpec& spec, const std::string& policy) {
  spec.add_stages()->mutable_evaluate()->set_policy(policy);
}

TEST(Admission, FillsInDefaults) {
  TestStore test;
  v1::ExperimentSpec spec = Experiment();
  AddTrain(spec, "expert");
  const auto admission = Admit(spec, test.store);
  ASSERT_TRUE(admission.ok()) << admission.status();
  EXPECT_EQ(admission->spec.stages(0).train().ppo().environment_steps(), 153'600);
  ASSERT_EQ(admission->policies.size(), 1u);
  EXPECT_FALSE(admission->policies[0].has_value());
}

TEST(Admission, RefusesWhatIsWrongInItself) {
  TestStore test;
  v1::ExperimentSpec spec = Experiment();
  AddTrain(spec, "expert").set_algorithm("alchemy");
  EXPECT_TRUE(absl::IsInvalidArgument(Admit(spec, test.store).status()));
}

TEST(Admission, PinsAStoredPolicyToItsLatestVersionNow) {
  TestStore test;
  AddPolicy(test.store, "expert", 1);
  AddPolicy(test.store, "expert", 2);
  v1::ExperimentSpec spec = Experiment();
  AddEvaluate(spec, "expert");
  AddEvaluate(spec, "expert@1");
  const auto admission = Admit(spec, test.store);
  ASSERT_TRUE(admission.ok()) << admission.status();
  EXPECT_EQ(admission->policies[0]->version, 2);
  EXPECT_EQ(admission->policies[1]->version, 1);
}

TEST(Admission, LeavesAPolicyOpenThatAnEarlierStageMakes) {
  TestStore test;
  AddPolicy(test.store, "expert", 1);
  v1::ExperimentSpec spec = Experiment();
  AddEvaluate(spec, "expert");
  AddTrain(spec, "expert");
  AddEvaluate(spec, "expert");
  const auto admission = Admit(spec, test.store);
  ASSERT_TRUE(admission.ok()) << admission.status();
  EXPECT_EQ(admission->policies[0]->version, 1);
  EXPECT_EQ(admission->policies[2]->version, 0);
}

TEST(Admission, AnUnknownPolicyIsNotFoundAndNamesThoseThatThereAre) {
  TestStore test;
  AddPolicy(test.store, "expert", 1);
  v1::ExperimentSpec spec = Experiment();
  AddEvaluate(spec, "novice");
  const absl::Status status = Admit(spec, test.store).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("stages[1].evaluate.policy: "));
  EXPECT_THAT(std::string(status.message()), HasSubstr("novice"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("stored policies are: expert"));
}

TEST(Admission, AnUnknownVersionIsNotFound) {
  TestStore test;
  AddPolicy(test.store, "expert", 1);
  v1::ExperimentSpec spec = Experiment();
  AddEvaluate(spec, "expert@7");
  EXPECT_TRUE(absl::IsNotFound(Admit(spec, test.store).status()));
}

TEST(Admission, AVersionThatAnEarlierStageWouldMakeIsNotStoredYet) {
  TestStore test;
  v1::ExperimentSpec spec = Experiment();
  AddTrain(spec, "expert");
  AddEvaluate(spec, "expert@1");
  const auto admission = Admit(spec, test.store);
  EXPECT_EQ(admission.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(admission.status().message(),
            "stages[2].evaluate.policy: found expert@1, which is not stored yet, expected expert for what an earlier "
            "stage makes");
}

TEST(Admission, RefusesAPolicyOfOtherSpaces) {
  TestStore test;
  PolicySnapshot snapshot = *testing::TestSnapshot("expert", 1);
  snapshot.header.mutable_action_space()->mutable_discrete()->set_n(5);
  const auto odd = MakeSnapshot(snapshot.header, snapshot.parameters);
  ASSERT_TRUE(test.store.AddPolicy(*odd, v1::StageKey()).ok());
  v1::ExperimentSpec spec = Experiment();
  AddEvaluate(spec, "expert");
  const absl::Status status = Admit(spec, test.store).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Discrete(5)"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Discrete(2)"));
}

TEST(Admission, AnUnknownDatasetIsNotFound) {
  TestStore test;
  v1::ExperimentSpec spec = Experiment();
  AddClone(spec, "demos");
  const absl::Status status = Admit(spec, test.store).status();
  EXPECT_TRUE(absl::IsNotFound(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("stages[1].train.dataset: "));
  EXPECT_THAT(std::string(status.message()), HasSubstr("stored datasets are: none"));
}

TEST(Admission, TakesADatasetThatIsStoredOrMadeByAnEarlierStage) {
  TestStore test;
  AddPolicy(test.store, "expert", 1);
  ASSERT_TRUE(testing::MakeCompleteDataset(test.store, "stored", 2, 10).ok());
  v1::ExperimentSpec spec = Experiment();
  AddClone(spec, "stored");
  AddCollect(spec, "expert", "fresh");
  AddClone(spec, "fresh");
  const auto admission = Admit(spec, test.store);
  EXPECT_TRUE(admission.ok()) << admission.status();
}

TEST(Admission, DistillationFromAnEarlierStageNeedsItsRecords) {
  TestStore test;
  AddPolicy(test.store, "expert", 1);
  v1::ExperimentSpec spec = Experiment();
  v1::CollectStage& collect = AddCollect(spec, "expert", "fresh");
  collect.add_record("logits");
  AddClone(spec, "fresh").mutable_bc()->set_loss("distillation");
  EXPECT_TRUE(absl::IsInvalidArgument(Admit(spec, test.store).status()));
  spec.mutable_stages(0)->mutable_collect()->add_record("value");
  EXPECT_TRUE(Admit(spec, test.store).ok());
}

TEST(Admission, ACollectIntoAnotherRecipesDatasetAlreadyExists) {
  TestStore test;
  AddPolicy(test.store, "expert", 1);
  ASSERT_TRUE(testing::MakeCompleteDataset(test.store, "demos", 2, 10).ok());
  v1::ExperimentSpec spec = Experiment();
  AddCollect(spec, "expert", "demos").set_seed(99);
  const absl::Status status = Admit(spec, test.store).status();
  EXPECT_TRUE(absl::IsAlreadyExists(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("stages[1].collect.dataset: dataset demos exists already"));
}

// A stored dataset whose policy was trained by the first stage of a stored experiment, as Retrained() describes it.
void StoreDemonstrations(Store& store, const v1::ExperimentSpec& spec, const std::string& dataset) {
  v1::Experiment experiment;
  experiment.set_id("before");
  experiment.set_status(v1::STATUS_SUCCEEDED);
  *experiment.mutable_spec() = Admit(spec, store).value().spec;
  ASSERT_TRUE(store.PutExperiment(experiment, "").ok());
  v1::StageKey origin;
  origin.set_experiment_id("before");
  PolicySnapshot policy = *testing::TestSnapshot("expert", 1);
  *policy.header.mutable_network() = experiment.spec().stages(0).train().network();
  const auto snapshot = MakeSnapshot(policy.header, policy.parameters);
  ASSERT_TRUE(store.AddPolicy(*snapshot, origin).ok());
  v1::Dataset stored;
  stored.set_name(dataset);
  *stored.mutable_recipe() = MakeRecipe(FindEnvironmentSpec("CartPole-v1").value(),
                                        experiment.spec().stages(1).collect(), store.GetPolicy("expert", 1)->header());
  ASSERT_TRUE(store.CreateDataset(stored).ok());
}

v1::ExperimentSpec Retrained() {
  v1::ExperimentSpec spec = Experiment();
  AddTrain(spec, "expert").set_seed(1);
  AddCollect(spec, "expert", "demos");
  return spec;
}

TEST(Admission, TakesADatasetThatTheSameTrainingWouldMakeAgain) {
  TestStore test;
  StoreDemonstrations(test.store, Retrained(), "demos");
  v1::ExperimentSpec spec = Retrained();
  // None of these needs to change what is trained.
  spec.mutable_stages(0)->mutable_train()->set_threads(3);
  spec.mutable_stages(0)->mutable_train()->mutable_ppo()->set_environment_steps(500'000);
  spec.mutable_stages(0)->mutable_train()->mutable_stop()->set_mean_return(100);
  EXPECT_TRUE(Admit(spec, test.store).ok()) << Admit(spec, test.store).status();
}

TEST(Admission, RefusesADatasetThatAnotherTrainingHasMade) {
  TestStore test;
  StoreDemonstrations(test.store, Retrained(), "demos");
  const auto error_after = [&](auto change) {
    v1::ExperimentSpec spec = Retrained();
    change(*spec.mutable_stages(0)->mutable_train());
    const absl::Status status = Admit(spec, test.store).status();
    EXPECT_TRUE(absl::IsAlreadyExists(status)) << status;
    return std::string(status.message());
  };
  const std::string seed = error_after([](v1::TrainStage& train) { train.set_seed(2); });
  EXPECT_THAT(seed, HasSubstr("stages[1].collect.dataset: dataset demos exists already with another recipe"));
  EXPECT_THAT(seed, HasSubstr("another than the one that stages[1] trains, with seed 2 instead of 1"));
  EXPECT_THAT(error_after([](v1::TrainStage& train) { train.mutable_ppo()->set_gamma(0.5); }),
              HasSubstr("gamma 0.5 instead of 0.98"));
  EXPECT_THAT(error_after([](v1::TrainStage& train) { train.mutable_network()->add_hidden_sizes(7); }), HasSubstr("7"));
}

TEST(Admission, RefusesTwoRecipesForOneDataset) {
  TestStore test;
  AddPolicy(test.store, "expert", 1);
  AddPolicy(test.store, "expert", 2);
  const auto status_of = [&](const std::string& policy, int64_t seed) {
    v1::ExperimentSpec spec = Experiment();
    AddCollect(spec, "expert@1", "demos");
    AddCollect(spec, policy, "demos").set_seed(seed);
    return Admit(spec, test.store).status();
  };
  EXPECT_TRUE(status_of("expert@1", 0).ok());
  for (const absl::Status& status : {status_of("expert@1", 5), status_of("expert@2", 0)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("stages[1].collect.dataset: found demos, which stages[1]"));
  }

  v1::ExperimentSpec spec = Retrained();
  AddTrain(spec, "expert").set_seed(2);
  AddCollect(spec, "expert", "demos");
  EXPECT_THAT(std::string(Admit(spec, test.store).status().message()),
              HasSubstr("collects with another recipe (seed 2 instead of 1)"));
  spec.mutable_stages(2)->mutable_train()->set_seed(1);
  EXPECT_TRUE(Admit(spec, test.store).ok());
}

}  // namespace
}  // namespace understudy
