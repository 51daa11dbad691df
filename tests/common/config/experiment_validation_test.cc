#include "common/config/experiment_validation.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>

#include "common/config/experiment_file.h"

namespace understudy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Train, collect with logits and values, clone: valid, defaults filled in.
v1::ExperimentSpec ValidExperiment() {
  v1::ExperimentSpec experiment;
  experiment.set_name("e");
  experiment.set_environment("CartPole-v1");
  v1::TrainStage& train = *experiment.add_stages()->mutable_train();
  train.set_policy("expert");
  train.set_algorithm("ppo");
  train.mutable_stop()->set_mean_return(475);
  v1::CollectStage& collect = *experiment.add_stages()->mutable_collect();
  collect.set_policy("expert");
  collect.set_dataset("demonstrations");
  collect.set_transitions(1000);
  collect.add_record("value");
  collect.add_record("logits");
  v1::TrainStage& clone = *experiment.add_stages()->mutable_train();
  clone.set_policy("clone");
  clone.set_algorithm("bc");
  clone.set_dataset("demonstrations");
  clone.mutable_bc()->set_loss("distillation");
  experiment.add_stages()->mutable_evaluate()->set_policy("clone@1");
  FillInDefaults(experiment);
  return experiment;
}

// The violations of the valid experiment after a change, as lines.
std::vector<std::string> AfterChange(const std::function<void(v1::ExperimentSpec&)>& change) {
  v1::ExperimentSpec experiment = ValidExperiment();
  change(experiment);
  std::vector<std::string> lines;
  for (const Violation& violation : FindViolations(experiment)) {
    lines.push_back(violation.path + ": " + violation.message);
  }
  return lines;
}

std::vector<std::string> AfterTrainChange(const std::function<void(v1::TrainStage&)>& change) {
  return AfterChange([&](v1::ExperimentSpec& experiment) { change(*experiment.mutable_stages(0)->mutable_train()); });
}

std::vector<std::string> AfterCollectChange(const std::function<void(v1::CollectStage&)>& change) {
  return AfterChange([&](v1::ExperimentSpec& experiment) { change(*experiment.mutable_stages(1)->mutable_collect()); });
}

std::vector<std::string> AfterCloneChange(const std::function<void(v1::TrainStage&)>& change) {
  return AfterChange([&](v1::ExperimentSpec& experiment) { change(*experiment.mutable_stages(2)->mutable_train()); });
}

TEST(ExperimentValidation, AcceptsAValidExperiment) {
  EXPECT_THAT(AfterChange([](v1::ExperimentSpec&) {}), IsEmpty());
  EXPECT_TRUE(ValidateExperiment(ValidExperiment()).ok());
}

TEST(ExperimentValidation, FillsInDefaultsOnceAndForAll) {
  const v1::ExperimentSpec once = ValidExperiment();
  v1::ExperimentSpec twice = once;
  FillInDefaults(twice);
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(once, twice));
  v1::ExperimentSpec received;
  ASSERT_TRUE(received.ParseFromString(once.SerializeAsString()));
  EXPECT_TRUE(google::protobuf::util::MessageDifferencer::Equals(once, received));
}

TEST(ExperimentValidation, FillsInWhatTheAlgorithmDetermines) {
  const v1::ExperimentSpec experiment = ValidExperiment();
  const v1::TrainStage& train = experiment.stages(0).train();
  EXPECT_EQ(train.stop().episodes(), 100);
  EXPECT_EQ(train.stop().interval(), 5);
  EXPECT_TRUE(train.has_seed());
  EXPECT_EQ(train.threads(), 0);
  EXPECT_EQ(train.device(), "auto");
  EXPECT_EQ(train.learners(), 1);
  EXPECT_EQ(train.ppo().slots(), 32);
  EXPECT_THAT(train.network().hidden_sizes(), ElementsAre(64, 64));
  EXPECT_EQ(train.network().type(), "mlp");
  EXPECT_EQ(experiment.stages(1).collect().actions(), "sample");
  EXPECT_EQ(experiment.stages(2).train().bc().validation_split(), 0.1);
  EXPECT_FALSE(experiment.stages(2).train().has_stop()) << "no stop rule unless asked for";
  EXPECT_EQ(experiment.stages(3).evaluate().actions(), "greedy");
}

TEST(ExperimentValidation, LeavesTheNetworkToTheInitialPolicy) {
  v1::ExperimentSpec experiment = ValidExperiment();
  v1::TrainStage& train = *experiment.mutable_stages(0)->mutable_train();
  train.set_initial("older@3");
  train.clear_network();
  FillInDefaults(experiment);
  EXPECT_FALSE(train.has_network());
  EXPECT_TRUE(ValidateExperiment(experiment).ok());
  train.mutable_network();
  FillInDefaults(experiment);
  EXPECT_EQ(ValidateExperiment(experiment).message(),
            "stages[1].train.network: found beside initial, expected none: the network is the initial policy's");
}

TEST(ExperimentValidation, RefusesWhatHasNotBeenFilledIn) {
  EXPECT_THAT(AfterTrainChange([](v1::TrainStage& train) { train.mutable_ppo()->clear_clip(); }),
              ElementsAre("stages[1].train.clip: found nothing, expected a number in (0, 1]"));
}

TEST(ExperimentValidation, ListsEnvironmentsAndAlgorithms) {
  EXPECT_THAT(AfterChange([](v1::ExperimentSpec& e) { e.set_environment("CartPole-v9"); }),
              ElementsAre("environment: found \"CartPole-v9\", expected one of CartPole-v0, CartPole-v1 (did you mean "
                          "CartPole-v0?)"));
  EXPECT_THAT(AfterTrainChange([](v1::TrainStage& train) {
                train.set_algorithm("dreamer");
                train.clear_ppo();
              }),
              ElementsAre("stages[1].train.algorithm: found \"dreamer\", expected one of ppo, bc"));
  EXPECT_THAT(AfterTrainChange([](v1::TrainStage& train) { train.mutable_network()->set_type("cnn"); }),
              ElementsAre("stages[1].train.network.type: found \"cnn\", expected mlp"));
}

TEST(ExperimentValidation, RefusesHyperparametersOfAnotherAlgorithmOrNone) {
  EXPECT_THAT(AfterTrainChange([](v1::TrainStage& train) { train.clear_hyperparameters(); }),
              ElementsAre("stages[1].train.hyperparameters: found nothing, expected ppo"));
  EXPECT_THAT(AfterCloneChange([](v1::TrainStage& train) {
                const v1::BcOptions bc = train.bc();
                train.set_algorithm("ppo");
                train.clear_dataset();
              }),
              ElementsAre("stages[3].train.hyperparameters: found bc, expected ppo"));
}

// Both members on the wire: the last one counts, as protobuf has it.
TEST(ExperimentValidation, TakesTheLastOfTwoHyperparametersOnTheWire) {
  v1::TrainStage other;
  other.mutable_bc()->set_epochs(1);
  v1::TrainStage merged;
  ASSERT_TRUE(
      merged.ParseFromString(ValidExperiment().stages(0).train().SerializeAsString() + other.SerializeAsString()));
  EXPECT_THAT(AfterTrainChange([&](v1::TrainStage& train) { train = merged; }),
              testing::Contains("stages[1].train.hyperparameters: found bc, expected ppo"));
}

TEST(ExperimentValidation, RefusesABudgetOfLessThanAnIteration) {
  const auto budget = [](int64_t steps) {
    return AfterTrainChange([=](v1::TrainStage& train) {
      train.mutable_ppo()->set_slots(32);
      train.mutable_ppo()->set_steps_per_slot(32);
      train.mutable_ppo()->set_environment_steps(steps);
    });
  };
  EXPECT_THAT(budget(1), ElementsAre("stages[1].train.environment_steps: found 1, expected at least 1024, the steps of "
                                     "an iteration (slots 32 * steps_per_slot 32)"));
  EXPECT_THAT(budget(1023), testing::SizeIs(1));
  EXPECT_THAT(budget(1024), IsEmpty());
}

TEST(ExperimentValidation, SaysBeforehandWhichStepsAreTooFewForAnIteration) {
  v1::ExperimentSpec experiment = ValidExperiment();
  v1::PpoOptions& ppo = *experiment.mutable_stages(0)->mutable_train()->mutable_ppo();
  ppo.set_slots(32);
  ppo.set_steps_per_slot(32);
  ppo.set_environment_steps(89088);
  EXPECT_THAT(FindRemainders(experiment), IsEmpty());
  ppo.set_environment_steps(90000);
  const std::vector<Violation> remainders = FindRemainders(experiment);
  ASSERT_EQ(remainders.size(), 1u);
  EXPECT_EQ(remainders[0].path, "stages[1].train.environment_steps");
  EXPECT_EQ(remainders[0].message,
            "89088 of 90000 steps will be trained: 87 iterations of 1024 (slots * steps_per_slot); 912 are too few for "
            "another");
}

TEST(ExperimentValidation, TheDefaultBudgetLeavesNothingOver) {
  v1::ExperimentSpec experiment;
  v1::TrainStage& train = *experiment.add_stages()->mutable_train();
  train.set_algorithm("ppo");
  FillInDefaults(experiment);
  EXPECT_THAT(FindRemainders(experiment), IsEmpty());
}

TEST(ExperimentValidation, RefusesMoreLearnersThanAMinibatchHasSteps) {
  EXPECT_THAT(AfterCloneChange([](v1::TrainStage& train) {
                train.set_learners(3);
                train.mutable_bc()->set_minibatch_size(2);
              }),
              ElementsAre("stages[3].train.learners: found 3, expected at most 2, the minibatch_size that they share"));
}

TEST(ExperimentValidation, WantsADatasetWhereTheAlgorithmTakesOne) {
  EXPECT_THAT(AfterCloneChange([](v1::TrainStage& train) { train.clear_dataset(); }),
              ElementsAre("stages[3].train.dataset: found nothing, expected the dataset that bc learns from"));
  EXPECT_THAT(AfterTrainChange([](v1::TrainStage& train) { train.set_dataset("d"); }),
              ElementsAre("stages[1].train.dataset: found \"d\", expected none: ppo learns from its own steps"));
}

TEST(ExperimentValidation, LeavesUnknownNamesToTheStore) {
  EXPECT_THAT(AfterCloneChange([](v1::TrainStage& train) { train.set_dataset("stored"); }), IsEmpty());
  EXPECT_THAT(AfterCollectChange([](v1::CollectStage& collect) { collect.set_policy("stored@7"); }), IsEmpty());
}

TEST(ExperimentValidation, RefusesADatasetThatIsCollectedLater) {
  EXPECT_THAT(AfterChange([](v1::ExperimentSpec& e) { e.mutable_stages()->SwapElements(1, 2); }),
              ElementsAre("stages[2].train.dataset: found \"demonstrations\", which stages[3] collects, expected a "
                          "dataset of an earlier stage"));
}

TEST(ExperimentValidation, RefusesTwoStagesThatCollectOneDataset) {
  EXPECT_THAT(AfterChange([](v1::ExperimentSpec& e) { *e.add_stages() = v1::StageSpec(e.stages(1)); }),
              ElementsAre("stages[5].collect.dataset: found \"demonstrations\", which stages[2] collects, expected "
                          "another name"));
}

TEST(ExperimentValidation, TellsPoliciesFromDatasets) {
  EXPECT_THAT(AfterCloneChange([](v1::TrainStage& train) { train.set_dataset("expert"); }),
              ElementsAre("stages[3].train.dataset: found \"expert\", which is a policy, expected a dataset"));
  EXPECT_THAT(
      AfterCloneChange([](v1::TrainStage& train) {
        train.set_initial("demonstrations@2");
        train.clear_network();
      }),
      ElementsAre("stages[3].train.initial: found \"demonstrations@2\", which is a dataset, expected a policy"));
}

TEST(ExperimentValidation, WantsLogitsAndValuesForDistillation) {
  const std::string expected =
      "stages[3].train.loss: found \"distillation\", but stages[2] collects demonstrations without record: [logits, "
      "value]";
  EXPECT_THAT(AfterCollectChange([](v1::CollectStage& collect) { collect.clear_record(); }), ElementsAre(expected));
  EXPECT_THAT(AfterCollectChange([](v1::CollectStage& collect) { collect.mutable_record()->RemoveLast(); }),
              ElementsAre(expected));
}

TEST(ExperimentValidation, WantsTransitionsOrEpisodes) {
  EXPECT_THAT(AfterCollectChange([](v1::CollectStage& collect) { collect.clear_transitions(); }),
              ElementsAre("stages[2].collect: found neither of transitions and episodes, expected one of the two"));
  EXPECT_THAT(AfterCollectChange([](v1::CollectStage& collect) { collect.set_episodes(1); }),
              ElementsAre("stages[2].collect: found both of transitions and episodes, expected one of the two"));
}

TEST(ExperimentValidation, RefusesToRecordTwice) {
  EXPECT_THAT(AfterChange([](v1::ExperimentSpec& e) {
                e.mutable_stages(1)->mutable_collect()->set_record(1, "value");
                e.mutable_stages(2)->mutable_train()->mutable_bc()->set_loss("cross_entropy");
              }),
              ElementsAre("stages[2].collect.record[2]: found \"value\" a second time, expected once"));
}

TEST(ExperimentValidation, WantsAStopRuleToConverge) {
  EXPECT_THAT(AfterTrainChange([](v1::TrainStage& train) { train.set_require("converged"); }), IsEmpty());
  EXPECT_THAT(AfterCloneChange([](v1::TrainStage& train) { train.set_require("converged"); }),
              ElementsAre("stages[3].train.require: found \"converged\" without a stop rule, expected stop: "
                          "{mean_return: ...} beside it"));
}

TEST(ExperimentValidation, BoundsWhatAnIterationHolds) {
  const auto with_steps = [](int slots, int steps, int minibatch) {
    return AfterTrainChange([=](v1::TrainStage& train) {
      train.mutable_ppo()->set_slots(slots);
      train.mutable_ppo()->set_steps_per_slot(steps);
      train.mutable_ppo()->set_minibatch_size(minibatch);
      train.mutable_ppo()->set_environment_steps(int64_t{1} << 30);
    });
  };
  EXPECT_THAT(with_steps(4, 64, 256), IsEmpty());
  EXPECT_THAT(with_steps(4, 63, 256),
              ElementsAre("stages[1].train.minibatch_size: found 256, expected at most 252, the steps of an iteration "
                          "(slots * steps_per_slot)"));
  EXPECT_THAT(with_steps(4096, 4096, 256), IsEmpty());
  EXPECT_THAT(with_steps(4096, 4097, 256),
              ElementsAre("stages[1].train.steps_per_slot: found 16781312 steps an iteration (slots * steps_per_slot), "
                          "expected at most 16777216"));
}

TEST(ExperimentValidation, WantsASlotForEveryLearner) {
  const auto with_learners = [](int learners) {
    return AfterTrainChange([=](v1::TrainStage& train) {
      train.set_learners(learners);
      train.mutable_ppo()->set_slots(3);
      train.mutable_ppo()->set_minibatch_size(64);
    });
  };
  EXPECT_THAT(with_learners(3), IsEmpty());
  EXPECT_THAT(with_learners(4),
              ElementsAre("stages[1].train.learners: found 4, expected at most 3, the slots that they share"));
}

TEST(ExperimentValidation, BoundsTheSizeOfANetwork) {
  const auto with_layers = [](int layers, int size, const char* trunk) {
    return AfterTrainChange([=](v1::TrainStage& train) {
      train.mutable_network()->clear_hidden_sizes();
      train.mutable_network()->set_trunk(trunk);
      for (int i = 0; i < layers; ++i) train.mutable_network()->add_hidden_sizes(size);
    });
  };
  // 6 × 2048² weights are 96 MiB: half of the largest policy.
  EXPECT_THAT(with_layers(7, 2048, "shared"), IsEmpty());
  EXPECT_THAT(with_layers(8, 2048, "shared"),
              ElementsAre("stages[1].train.network.hidden_sizes: found more than 25165824 weights between hidden "
                          "layers, expected at most so many"));
  EXPECT_THAT(with_layers(4, 2048, "separate"), IsEmpty());
  EXPECT_THAT(with_layers(5, 2048, "separate"), testing::SizeIs(1));
  EXPECT_THAT(with_layers(16, 8192, "shared"), testing::SizeIs(1));
}

TEST(ExperimentValidation, WantsAStageToBeOneThing) {
  EXPECT_THAT(AfterChange([](v1::ExperimentSpec& e) { e.add_stages(); }),
              ElementsAre("stages[5]: found nothing, expected one of train, collect, evaluate"));
  EXPECT_EQ(ValidateExperiment(v1::ExperimentSpec()).message(),
            "name: found nothing, expected a name [A-Za-z0-9][A-Za-z0-9._-]{0,63}");
}

TEST(ExperimentValidation, SurvivesExtremeNumbers) {
  EXPECT_FALSE(AfterChange([](v1::ExperimentSpec& e) {
                 v1::TrainStage& train = *e.mutable_stages(0)->mutable_train();
                 train.mutable_ppo()->set_slots(2147483647);
                 train.mutable_ppo()->set_steps_per_slot(2147483647);
                 for (int i = 0; i < 100; ++i) train.mutable_network()->add_hidden_sizes(2147483647);
               }).empty());
}

TEST(AlgorithmRules, NameAMemberOfTheHyperparametersEach) {
  const google::protobuf::OneofDescriptor& oneof = *v1::TrainStage::descriptor()->FindOneofByName("hyperparameters");
  std::vector<std::string> members;
  for (int i = 0; i < oneof.field_count(); ++i) members.push_back(oneof.field(i)->name());
  std::vector<std::string> names;
  for (const AlgorithmRules& rules : AllAlgorithmRules()) names.emplace_back(rules.name);
  EXPECT_THAT(members, testing::UnorderedElementsAreArray(names));
  EXPECT_THAT(names, ElementsAre("bc", "ppo"));
  EXPECT_EQ(FindAlgorithmRules("sac"), nullptr);
}

constexpr char kRest[] = "name: e\nenvironment: CartPole-v0\nstages:\n  - evaluate: {policy: p}\n";

v1::EnvironmentSpec EnvironmentIn(const std::string& text) {
  return EnvironmentOf(ParseExperiment(text, "f").value()).value();
}

TEST(ExperimentEnvironment, HasTheLatencyThatTheFileGives) {
  EXPECT_EQ(EnvironmentIn(std::string(kRest) + "step_latency: 5ms\n").step_latency_us(), 5'000);
  EXPECT_EQ(EnvironmentIn(std::string(kRest) + "step_latency: 1.5s\n").step_latency_us(), 1'500'000);
  EXPECT_EQ(EnvironmentIn(std::string(kRest) + "step_latency: 10s\n").step_latency_us(), 10'000'000);
  EXPECT_EQ(EnvironmentIn(kRest).step_latency_us(), 0);
}

TEST(ExperimentEnvironment, IsWhatTheEnvironmentDeclares) {
  EXPECT_EQ(EnvironmentIn(kRest).name(), "CartPole-v0");
  EXPECT_EQ(EnvironmentIn(kRest).max_episode_steps(), 200);
}

TEST(ExperimentEnvironment, TakesNoLatencyForNone) {
  v1::ExperimentSpec stored_before;
  stored_before.set_environment("CartPole-v1");
  EXPECT_EQ(EnvironmentOf(stored_before).value().step_latency_us(), 0);
  stored_before.set_environment("Pong");
  EXPECT_TRUE(absl::IsNotFound(EnvironmentOf(stored_before).status()));
}

}  // namespace
}  // namespace understudy
