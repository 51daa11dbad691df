#include "common/config/constraints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "understudy/v1/experiments.pb.h"

namespace understudy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> ViolationsOf(const google::protobuf::Message& message) {
  std::vector<std::string> lines;
  for (const Violation& violation : FindConstraintViolations(message)) {
    lines.push_back(violation.path + ": " + violation.message);
  }
  return lines;
}

v1::PpoOptions DefaultPpo() {
  v1::PpoOptions ppo;
  SetDefaultValues(ppo);
  return ppo;
}

TEST(Constraints, FillInWhatIsAbsentAndLeaveWhatIsThere) {
  v1::PpoOptions ppo;
  ppo.set_clip(0.1);
  ppo.set_normalize_advantages(false);
  SetDefaultValues(ppo);
  EXPECT_EQ(ppo.clip(), 0.1);
  EXPECT_TRUE(ppo.has_normalize_advantages());
  EXPECT_FALSE(ppo.normalize_advantages());
  EXPECT_EQ(ppo.environment_steps(), 153600);
  EXPECT_EQ(ppo.learning_rate_schedule(), "linear");
}

TEST(Constraints, FillInEmptyLists) {
  v1::NetworkSpec network;
  SetDefaultValues(network);
  EXPECT_THAT(network.hidden_sizes(), ElementsAre(64, 64));
  network.clear_hidden_sizes();
  network.add_hidden_sizes(8);
  SetDefaultValues(network);
  EXPECT_THAT(network.hidden_sizes(), ElementsAre(8));
}

TEST(Constraints, FillInMessagesThatAreThereAndNoOthers) {
  v1::TrainStage train;
  train.mutable_stop();
  SetDefaultValues(train);
  EXPECT_EQ(train.stop().episodes(), 100);
  EXPECT_FALSE(train.has_network());
}

TEST(Constraints, FillInTheSelectedMember) {
  v1::TrainStage train;
  train.set_algorithm("bc");
  SetDefaultValues(train);
  EXPECT_EQ(train.bc().loss(), "cross_entropy");
  train.set_algorithm("ppo");
  SetDefaultValues(train);
  EXPECT_TRUE(train.has_bc()) << "what is set stays, for the check to refuse";
}

TEST(Constraints, AllDefaultsKeepTheirOwnBounds) {
  v1::BcOptions bc;
  v1::NetworkSpec network;
  SetDefaultValues(bc);
  SetDefaultValues(network);
  EXPECT_THAT(ViolationsOf(DefaultPpo()), IsEmpty());
  EXPECT_THAT(ViolationsOf(bc), IsEmpty());
  EXPECT_THAT(ViolationsOf(network), IsEmpty());
}

TEST(Constraints, AcceptInclusiveBoundsAndRefuseExclusiveOnes) {
  v1::PpoOptions ppo = DefaultPpo();
  ppo.set_clip(1);
  ppo.set_gamma(0);
  EXPECT_THAT(ViolationsOf(ppo), IsEmpty());
  ppo.set_clip(0);
  EXPECT_THAT(ViolationsOf(ppo), ElementsAre("clip: found 0, expected a number in (0, 1]"));
  ppo.set_clip(1.0000000001);
  EXPECT_THAT(ViolationsOf(ppo), ElementsAre("clip: found 1.0000000001, expected a number in (0, 1]"));
}

TEST(Constraints, RefuseNumbersThatAreNotFinite) {
  v1::PpoOptions ppo = DefaultPpo();
  ppo.set_clip(std::numeric_limits<double>::quiet_NaN());
  ppo.set_gamma(-std::numeric_limits<double>::infinity());
  EXPECT_THAT(ViolationsOf(ppo), ElementsAre("clip: found nan, expected a number in (0, 1]",
                                             "gamma: found -inf, expected a number in [0, 1]"));
}

TEST(Constraints, RefuseAbsentValues) {
  v1::StopRule stop;
  stop.set_episodes(1);
  EXPECT_THAT(ViolationsOf(stop), ElementsAre("mean_return: found nothing, expected a number in [-1e+09, 1e+09]"));
  stop.set_mean_return(0);
  EXPECT_THAT(ViolationsOf(stop), IsEmpty()) << "zero is a value";
  stop.clear_episodes();
  EXPECT_THAT(ViolationsOf(stop), ElementsAre("episodes: found nothing, expected an integer in [1, 100000]"));
}

TEST(Constraints, NameItemsOfLists) {
  v1::NetworkSpec network;
  SetDefaultValues(network);
  network.set_hidden_sizes(1, 0);
  EXPECT_THAT(ViolationsOf(network), ElementsAre("hidden_sizes[2]: found 0, expected an integer in [1, 8192]"));
  for (int i = 0; i < 15; ++i) network.add_hidden_sizes(1);
  EXPECT_THAT(ViolationsOf(network), ElementsAre("hidden_sizes: found 17 items, expected at most 16"));
}

TEST(Constraints, RefuseAMemberThatIsNotTheSelectedOne) {
  v1::TrainStage train;
  train.set_policy("p");
  train.set_algorithm("bc");
  *train.mutable_ppo() = DefaultPpo();
  train.set_seed(0);
  train.set_threads(1);
  train.set_learners(1);
  train.set_device("cpu");
  EXPECT_THAT(ViolationsOf(train), ElementsAre("hyperparameters: found ppo, expected bc"));
  train.clear_ppo();
  EXPECT_THAT(ViolationsOf(train), ElementsAre("hyperparameters: found nothing, expected bc"));
}

TEST(Constraints, ShowASelectedMembersKeysAsTheMessagesOwn) {
  v1::StageSpec stage;
  v1::TrainStage& train = *stage.mutable_train();
  train.set_policy("p");
  train.set_algorithm("ppo");
  SetDefaultValues(stage);
  train.mutable_ppo()->set_epochs(0);
  EXPECT_THAT(ViolationsOf(stage), ElementsAre("train.epochs: found 0, expected an integer in [1, 1000]"));
}

TEST(Constraints, RefuseNames) {
  v1::EvaluateStage evaluate;
  SetDefaultValues(evaluate);
  evaluate.set_policy("expert@0x1");
  EXPECT_THAT(ViolationsOf(evaluate), ElementsAre("policy: found \"expert@0x1\", expected NAME or NAME@VERSION"));
  v1::TrainStage train;
  train.set_policy("../expert\n");
  train.set_algorithm("pppo");
  SetDefaultValues(train);
  EXPECT_THAT(ViolationsOf(train),
              ElementsAre("policy: found \"../expert\\n\", expected a name [A-Za-z0-9][A-Za-z0-9._-]{0,63}",
                          "algorithm: found \"pppo\", expected one of ppo, bc (did you mean ppo?)"));
}

TEST(Constraints, CollectABoundedNumberOfViolations) {
  v1::ExperimentSpec experiment;
  for (int i = 0; i < 100; ++i) experiment.add_stages();
  EXPECT_EQ(ViolationsOf(experiment).size(), 20);
  experiment.set_name("n");
  experiment.set_environment("e");
  experiment.set_step_latency("0s");
  for (int i = 0; i < 100000; ++i) experiment.add_stages();
  EXPECT_THAT(ViolationsOf(experiment), ElementsAre("stages: found 100100 items, expected at most 100"));
}

}  // namespace
}  // namespace understudy
