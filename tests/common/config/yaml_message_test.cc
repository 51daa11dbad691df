#include "common/config/yaml_message.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <set>

#include "understudy/v1/experiments.pb.h"

namespace understudy {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::ElementsAre;
using testing::IsEmpty;

// Reads `text` into a TrainStage; the violations as lines.
std::vector<std::string> Read(const std::string& text, v1::TrainStage& train) {
  const absl::StatusOr<YamlNode> root = ParseYaml(text, "f.yaml");
  EXPECT_TRUE(root.ok()) << root.status();
  std::vector<std::string> lines;
  for (const Violation& violation : ReadMessage(*root, train)) {
    lines.push_back(violation.path + ": " + violation.message);
  }
  return lines;
}

std::vector<std::string> ViolationsOf(const std::string& text) {
  v1::TrainStage train;
  return Read(text, train);
}

TEST(YamlMessage, ReadsEveryKindOfField) {
  v1::TrainStage train;
  EXPECT_THAT(Read("{policy: 007, algorithm: ppo, seed: 4294967295, network: {hidden_sizes: [8, 9], trunk: 'shared'},\n"
                   " stop: {mean_return: -2.5, episodes: 3}, clip: 1e-1, environment_steps: 12345678901,\n"
                   " normalize_advantages: false}",
                   train),
              IsEmpty());
  v1::TrainStage expected;
  expected.set_policy("007");
  expected.set_algorithm("ppo");
  expected.set_seed(4294967295);
  expected.mutable_network()->add_hidden_sizes(8);
  expected.mutable_network()->add_hidden_sizes(9);
  expected.mutable_network()->set_trunk("shared");
  expected.mutable_stop()->set_mean_return(-2.5);
  expected.mutable_stop()->set_episodes(3);
  expected.mutable_ppo()->set_clip(0.1);
  expected.mutable_ppo()->set_environment_steps(12345678901);
  expected.mutable_ppo()->set_normalize_advantages(false);
  EXPECT_TRUE(MessageDifferencer::Equals(train, expected)) << train.DebugString();
}

TEST(YamlMessage, TakesASelectedMembersKeysBeforeTheSelector) {
  v1::TrainStage train;
  EXPECT_THAT(Read("{patience: 3, algorithm: bc}", train), IsEmpty());
  EXPECT_EQ(train.bc().patience(), 3);
}

TEST(YamlMessage, RefusesWrongTypes) {
  EXPECT_THAT(
      ViolationsOf("{algorithm: bc, epochs: 1.5, patience: '3', learning_rate: fast, threads: 1e2, seed: -1,\n"
                   " weight_decay: .nan, loss: [a], stop: 475, network: {hidden_sizes: 64, type: }}"),
      ElementsAre("epochs: found 1.5, expected an integer in [1, 1000000]",
                  "patience: found \"3\", expected an integer in [0, 1000000]",
                  "learning_rate: found \"fast\", expected a number in (0, 10]",
                  "threads: found 1e2, expected an integer in [0, 256]",
                  "seed: found -1, expected an integer in [0, 4294967295]",
                  "weight_decay: found \".nan\", expected a number in [0, 1]",
                  "loss: found a list, expected one of cross_entropy, distillation", "stop: found 475, expected a map",
                  "network.hidden_sizes: found 64, expected a list", "network.type: found nothing, expected mlp"));
}

TEST(YamlMessage, RefusesNumbersBeyondTheirTypes) {
  EXPECT_THAT(
      ViolationsOf("{algorithm: ppo, epochs: 3000000000, environment_steps: 99999999999999999999, clip: 1e999, "
                   "gamma: inf, normalize_advantages: yes}"),
      ElementsAre("epochs: found 3000000000, expected an integer in [1, 1000]",
                  "environment_steps: found 99999999999999999999, expected an integer in [1, 1000000000000]",
                  "clip: found 1e999, expected a number in (0, 1]", "gamma: found inf, expected a number in [0, 1]",
                  "normalize_advantages: found \"yes\", expected true or false"));
}

TEST(YamlMessage, RefusesRepeatedAndUnknownKeys) {
  EXPECT_THAT(ViolationsOf("{stop: {mean_return: 1, mean_return: 2, retrun: 3, \"a\\nb\": 4}}"),
              ElementsAre("stop.mean_return: found a second time, expected once",
                          "stop.retrun: found an unknown key, expected one of mean_return, episodes, interval",
                          "stop.a\\nb: found an unknown key, expected one of mean_return, episodes, interval"));
}

TEST(YamlMessage, DoesNotTakeAMembersNameForAKey) {
  EXPECT_THAT(
      ViolationsOf("{algorithm: bc, bc: {epochs: 1}}"),
      ElementsAre(
          "bc: found an unknown key, expected one of policy, algorithm, seed, dataset, initial, network, "
          "stop, require, threads, device, learners, loss, epochs, minibatch_size, learning_rate, weight_decay, "
          "validation_split, patience, max_gradient_norm, value_coefficient"));
}

TEST(YamlMessage, LeavesAMembersKeysAloneWhileNoneIsSelected) {
  EXPECT_THAT(ViolationsOf("{algorithm: sac, clip: 0.1}"), IsEmpty());
  EXPECT_THAT(ViolationsOf("{clip: 0.1}"), IsEmpty());
}

TEST(YamlMessage, RefusesAnEmptyListThatWouldBecomeTheDefault) {
  EXPECT_THAT(ViolationsOf("{network: {hidden_sizes: []}}"),
              ElementsAre("network.hidden_sizes: found an empty list, expected at least one item"));
}

TEST(YamlMessage, CollectsABoundedNumberOfViolations) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "unknown" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(ViolationsOf(text).size(), 20);
}

// Else a key would mean two things.
TEST(YamlMessage, SelectedMembersShareNoKeyWithTheirMessage) {
  const google::protobuf::Descriptor& type = *v1::TrainStage::descriptor();
  std::set<std::string> keys;
  for (int i = 0; i < type.field_count(); ++i) keys.insert(type.field(i)->name());
  for (const google::protobuf::Descriptor* options : {v1::PpoOptions::descriptor(), v1::BcOptions::descriptor()}) {
    for (int i = 0; i < options->field_count(); ++i) EXPECT_FALSE(keys.contains(options->field(i)->name()));
  }
}

}  // namespace
}  // namespace understudy
