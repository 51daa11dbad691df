#include "common/config/experiment_file.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "common/config/experiment_validation.h"

namespace understudy {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::ElementsAre;
using testing::IsEmpty;

std::string ShippedPath(const std::string& name) {
  return std::string(UNDERSTUDY_SOURCE_DIR) + "/deploy/experiments/" + name;
}

std::string ErrorOf(const std::string& text) {
  const absl::StatusOr<v1::ExperimentSpec> experiment = ParseExperiment(text, "f.yaml");
  if (experiment.ok()) return "OK";
  EXPECT_EQ(experiment.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(experiment.status().message());
}

// A file whose stage, on line 4, holds `keys`.
std::string WithStage(const std::string& keys) {
  return "name: e\nenvironment: CartPole-v1\nstages:\n  - " + keys + "\n";
}

TEST(ExperimentFile, LoadsWhatIsShipped) {
  for (const char* name : {"cartpole.yaml", "cartpole_distillation.yaml", "cartpole_from_demonstrations.yaml",
                           "cartpole_two_learners.yaml"}) {
    const absl::StatusOr<v1::ExperimentSpec> experiment = LoadExperimentFile(ShippedPath(name));
    EXPECT_TRUE(experiment.ok()) << experiment.status();
  }
}

TEST(ExperimentFile, ReadsTheCanonicalExperiment) {
  const absl::StatusOr<v1::ExperimentSpec> loaded = LoadExperimentFile(ShippedPath("cartpole.yaml"));
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  v1::ExperimentSpec expected;
  expected.set_name("cartpole");
  expected.set_environment("CartPole-v1");
  v1::TrainStage& expert = *expected.add_stages()->mutable_train();
  expert.set_policy("expert");
  expert.set_algorithm("ppo");
  expert.set_seed(0);
  expert.mutable_stop()->set_mean_return(475);
  expert.mutable_stop()->set_episodes(100);
  v1::CollectStage& collect = *expected.add_stages()->mutable_collect();
  collect.set_policy("expert");
  collect.set_dataset("cartpole-expert");
  collect.set_transitions(10000);
  collect.set_seed(0);
  v1::TrainStage& clone = *expected.add_stages()->mutable_train();
  clone.set_policy("clone");
  clone.set_algorithm("bc");
  clone.set_dataset("cartpole-expert");
  clone.set_seed(314);
  *clone.mutable_stop() = expert.stop();
  v1::EvaluateStage& evaluate = *expected.add_stages()->mutable_evaluate();
  evaluate.set_policy("clone");
  evaluate.set_episodes(100);
  evaluate.set_seed(1);
  FillInDefaults(expected);
  EXPECT_TRUE(MessageDifferencer::Equals(*loaded, expected)) << loaded->DebugString();
}

TEST(ExperimentFile, ReadsHyperparametersAmongTheStagesKeys) {
  const absl::StatusOr<v1::ExperimentSpec> experiment = ParseExperiment(
      WithStage("train: {policy: p, algorithm: ppo, clip: 0.3, network: {hidden_sizes: [32], activation: relu}}"), "f");
  ASSERT_TRUE(experiment.ok()) << experiment.status();
  const v1::TrainStage& train = experiment->stages(0).train();
  EXPECT_EQ(train.ppo().clip(), 0.3);
  EXPECT_EQ(train.ppo().epochs(), 10) << "a default";
  ASSERT_EQ(train.network().hidden_sizes_size(), 1);
  EXPECT_EQ(train.network().hidden_sizes(0), 32);
  EXPECT_EQ(train.network().trunk(), "separate") << "a default";
}

TEST(ExperimentFile, NamesAFileThatIsNotThere) {
  const absl::Status missing = LoadExperimentFile("/nowhere/e.yaml").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(missing.message(), "/nowhere/e.yaml: found no such file, expected an experiment in YAML");
  const absl::Status directory = LoadExperimentFile("/").status();
  EXPECT_EQ(directory.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(directory.message(), "/: found a directory, expected an experiment in YAML");
}

TEST(ExperimentFile, RefusesAnEndlessFile) {
  EXPECT_EQ(LoadExperimentFile("/dev/zero").status().message(),
            "/dev/zero:1: found 1048577 bytes, expected at most 1048576");
}

struct BadInput {
  std::string text;
  std::string error;
};

TEST(ExperimentFile, SaysInOneLineWhatIsWrongAndWhere) {
  const std::string train_keys =
      "policy, algorithm, seed, dataset, initial, network, stop, require, threads, device, learners";
  const BadInput cases[] = {
      {"", "f.yaml:1: found nothing, expected a map"},
      {"just text", "f.yaml:1: found \"just text\", expected a map"},
      {"- a\n- b\n", "f.yaml:1: found a list, expected a map"},
      {"name: [a\n", "f.yaml:2: not valid YAML: end of sequence flow not found"},
      {"name: e\nenvironment: CartPole-v1\n", "f.yaml:1: stages: found nothing, expected a list of at least one item"},
      {"name: e\nenvironment: CartPole-v1\nstages: []\n",
       "f.yaml:3: stages: found an empty list, expected at least one item"},
      {"name: e\nenvironment: CartPole-v1\nstages: {train: {}}\n", "f.yaml:3: stages: found a map, expected a list"},
      {"name: e\nstages:\n  - evaluate: {policy: p}\n",
       "f.yaml:1: environment: found nothing, expected the name of an environment"},
      {"name: e\nname: e\n", "f.yaml:2: name: found a second time, expected once"},
      {"name: e\nenvironmnt: CartPole-v1\n",
       "f.yaml:2: environmnt: found an unknown key, expected one of name, environment, step_latency, stages (did you "
       "mean "
       "environment?)"},
      {"name: my experiment\nenvironment: CartPole-v1\nstages:\n  - evaluate: {policy: p}\n",
       "f.yaml:1: name: found \"my experiment\", expected a name [A-Za-z0-9][A-Za-z0-9._-]{0,63}"},
      {"name: e\nenvironment: Cartpole-v1\nstages:\n  - evaluate: {policy: p}\n",
       "f.yaml:2: environment: found \"Cartpole-v1\", expected one of CartPole-v0, CartPole-v1 (did you mean "
       "CartPole-v1?)"},
      {"name: e\nenvironment: CartPole-v1\nstep_latency: 11s\nstages:\n  - evaluate: {policy: p}\n",
       "f.yaml:3: step_latency: found \"11s\", expected a length of time from 0 to 10s, like 5ms"},
      {"name: e\nenvironment: CartPole-v1\nstep_latency: 5\nstages:\n  - evaluate: {policy: p}\n",
       "f.yaml:3: step_latency: found \"5\", expected a length of time from 0 to 10s, like 5ms"},
      {"name: e\nenvironment: CartPole-v1\nstep_latency: -1us\nstages:\n  - evaluate: {policy: p}\n",
       "f.yaml:3: step_latency: found \"-1us\", expected a length of time from 0 to 10s, like 5ms"},
      {"name: e\nenvironment: CartPole-v1\nstep_latency: inf\nstages:\n  - evaluate: {policy: p}\n",
       "f.yaml:3: step_latency: found \"inf\", expected a length of time from 0 to 10s, like 5ms"},
      {WithStage("evaluate"), "f.yaml:4: stages[1]: found \"evaluate\", expected a map"},
      {WithStage("evaluate:"), "f.yaml:4: stages[1].evaluate: found nothing, expected a map"},
      {WithStage("{}"), "f.yaml:4: stages[1]: found nothing, expected one of train, collect, evaluate"},
      {WithStage("{evaluate: {policy: p}, collect: {policy: p}}"),
       "f.yaml:4: stages[1].collect: found beside evaluate, expected one of the two"},
      {WithStage("evaluate: {policy: p@}"),
       "f.yaml:4: stages[1].evaluate.policy: found \"p@\", expected NAME or NAME@VERSION"},
      {WithStage("evaluate: {policy: p, actions: random}"),
       "f.yaml:4: stages[1].evaluate.actions: found \"random\", expected one of sample, greedy"},
      {WithStage("evaluate:\n      policy: p\n      episodes: 0\n"),
       "f.yaml:6: stages[1].evaluate.episodes: found 0, expected an integer in [1, 1000000000]"},
      {WithStage("train: {policy: p}"), "f.yaml:4: stages[1].train.algorithm: found nothing, expected one of ppo, bc"},
      {WithStage("train: {policy: p, algorithm: pop, clip: 0.1}"),
       "f.yaml:4: stages[1].train.algorithm: found \"pop\", expected one of ppo, bc"},
      {WithStage("train: {policy: p, algorithm: ppo, dataset: d}"),
       "f.yaml:4: stages[1].train.dataset: found \"d\", expected none: ppo learns from its own steps"},
      {WithStage("train: {policy: p, algorithm: bc}"),
       "f.yaml:4: stages[1].train.dataset: found nothing, expected the dataset that bc learns from"},
      {WithStage("train:\n      policy: p\n      algorithm: ppo\n      clip: -1"),
       "f.yaml:7: stages[1].train.clip: found -1, expected a number in (0, 1]"},
      {WithStage("train:\n      policy: p\n      algorithm: bc\n      dataset: d\n      clip: 0.1"),
       "f.yaml:8: stages[1].train.clip: found a key of algorithm ppo, expected one of bc: " + train_keys +
           ", loss, epochs, minibatch_size, learning_rate, weight_decay, validation_split, patience, "
           "max_gradient_norm, value_coefficient"},
      {WithStage("train: {policy: p, algorithm: bc, dataset: d, learning_rte: 1}"),
       "f.yaml:4: stages[1].train.learning_rte: found an unknown key, expected one of " + train_keys +
           ", loss, epochs, minibatch_size, learning_rate, weight_decay, validation_split, patience, "
           "max_gradient_norm, value_coefficient (did you mean learning_rate?)"},
      {WithStage("train: {policy: p, algorithm: ppo, stop: {episodes: 3}}"),
       "f.yaml:4: stages[1].train.stop.mean_return: found nothing, expected a number in [-1e+09, 1e+09]"},
      {WithStage("train: {policy: p, algorithm: ppo, require: converged}"),
       "f.yaml:4: stages[1].train.require: found \"converged\" without a stop rule, expected stop: {mean_return: ...} "
       "beside it"},
      {WithStage("train: {policy: p, algorithm: ppo, minibatch_size: 2000}"),
       "f.yaml:4: stages[1].train.minibatch_size: found 2000, expected at most 1024, the steps of an iteration (slots "
       "* steps_per_slot)"},
      {WithStage("train:\n      policy: p\n      algorithm: ppo\n      network:\n        activation: gelu"),
       "f.yaml:8: stages[1].train.network.activation: found \"gelu\", expected one of tanh, relu (did you mean relu?)"},
      {WithStage("collect: {policy: p, dataset: d}"),
       "f.yaml:4: stages[1].collect: found neither of transitions and episodes, expected one of the two"},
      {WithStage("collect: {policy: p, dataset: d, episodes: 2, record: [logits, rewards]}"),
       "f.yaml:4: stages[1].collect.record[2]: found \"rewards\", expected one of logits, value"},
      {WithStage("collect: {policy: p, dataset: d, transitions: 1e4}"),
       "f.yaml:4: stages[1].collect.transitions: found 1e4, expected an integer in [1, 1000000000000]"},
      {WithStage("collect: {policy: p, dataset: d, episodes: 1}") +
           "  - train: {policy: c, algorithm: bc, dataset: d, loss: distillation}\n",
       "f.yaml:5: stages[2].train.loss: found \"distillation\", but stages[1] collects d without record: [logits, "
       "value]"},
  };
  for (const BadInput& bad : cases) EXPECT_EQ(ErrorOf(bad.text), bad.error) << bad.text;
}

std::string ReadShipped(const std::string& name) {
  std::ostringstream text;
  text << std::ifstream(ShippedPath(name)).rdbuf();
  return text.str();
}

// A small generator of its own (Knuth's MMIX constants), so that a failure comes again.
uint32_t NextRandom(uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return static_cast<uint32_t>(state >> 33);
}

std::string Mutated(std::string text, uint64_t& state) {
  static const std::string kPieces[] = {"\0", ":", "{",    "}",  "[", "]",           "- ",   "&a ",
                                        "*a", "!", "\n",   "\t", "'", "\"",          "\xff", "1e999",
                                        "-",  "~", "<<: ", "? ", "|", "%YAML 9.9\n", "#",    "---\n"};
  for (uint32_t i = 0, mutations = 1 + NextRandom(state) % 4; i < mutations; ++i) {
    const size_t at = NextRandom(state) % text.size();
    const std::string& piece = kPieces[NextRandom(state) % std::size(kPieces)];
    switch (NextRandom(state) % 4) {
      case 0:
        text.insert(at, piece);
        break;
      case 1:
        text.replace(at, 1, piece);
        break;
      case 2:
        text.erase(at, NextRandom(state) % 8);
        break;
      default:
        text.insert(at, text.substr(NextRandom(state) % text.size(), NextRandom(state) % 64));
    }
    if (text.empty()) return "x";
  }
  return text;
}

TEST(ExperimentFile, AnswersMutatedFilesWithAValidExperimentOrOneLine) {
  const std::string original = ReadShipped("cartpole_distillation.yaml");
  ASSERT_FALSE(original.empty());
  uint64_t state = 1;
  int refused = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string text = Mutated(original, state);
    const absl::StatusOr<v1::ExperimentSpec> experiment = ParseExperiment(text, "f.yaml");
    if (experiment.ok()) {
      EXPECT_TRUE(ValidateExperiment(*experiment).ok()) << text;
      continue;
    }
    ++refused;
    const std::string message(experiment.status().message());
    EXPECT_EQ(message.rfind("f.yaml:", 0), 0) << message;
    for (const char character : message) EXPECT_TRUE(character >= ' ' && character <= '~') << message;
  }
  EXPECT_GT(refused, 1000);
  EXPECT_LT(refused, 2000) << "some mutations fall into comments";
}

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

TEST(ReadMessage, ReadsEveryKindOfField) {
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

TEST(ReadMessage, TakesASelectedMembersKeysBeforeTheSelector) {
  v1::TrainStage train;
  EXPECT_THAT(Read("{patience: 3, algorithm: bc}", train), IsEmpty());
  EXPECT_EQ(train.bc().patience(), 3);
}

TEST(ReadMessage, RefusesWrongTypes) {
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

TEST(ReadMessage, RefusesNumbersBeyondTheirTypes) {
  EXPECT_THAT(
      ViolationsOf("{algorithm: ppo, epochs: 3000000000, environment_steps: 99999999999999999999, clip: 1e999, "
                   "gamma: inf, normalize_advantages: yes}"),
      ElementsAre("epochs: found 3000000000, expected an integer in [1, 1000]",
                  "environment_steps: found 99999999999999999999, expected an integer in [1, 1000000000000]",
                  "clip: found 1e999, expected a number in (0, 1]", "gamma: found inf, expected a number in [0, 1]",
                  "normalize_advantages: found \"yes\", expected true or false"));
}

TEST(ReadMessage, RefusesRepeatedAndUnknownKeys) {
  EXPECT_THAT(ViolationsOf("{stop: {mean_return: 1, mean_return: 2, retrun: 3, \"a\\nb\": 4}}"),
              ElementsAre("stop.mean_return: found a second time, expected once",
                          "stop.retrun: found an unknown key, expected one of mean_return, episodes, interval",
                          "stop.a\\nb: found an unknown key, expected one of mean_return, episodes, interval"));
}

TEST(ReadMessage, DoesNotTakeAMembersNameForAKey) {
  EXPECT_THAT(
      ViolationsOf("{algorithm: bc, bc: {epochs: 1}}"),
      ElementsAre(
          "bc: found an unknown key, expected one of policy, algorithm, seed, dataset, initial, network, "
          "stop, require, threads, device, learners, loss, epochs, minibatch_size, learning_rate, weight_decay, "
          "validation_split, patience, max_gradient_norm, value_coefficient"));
}

TEST(ReadMessage, LeavesAMembersKeysAloneWhileNoneIsSelected) {
  EXPECT_THAT(ViolationsOf("{algorithm: sac, clip: 0.1}"), IsEmpty());
  EXPECT_THAT(ViolationsOf("{clip: 0.1}"), IsEmpty());
}

TEST(ReadMessage, RefusesAnEmptyListThatWouldBecomeTheDefault) {
  EXPECT_THAT(ViolationsOf("{network: {hidden_sizes: []}}"),
              ElementsAre("network.hidden_sizes: found an empty list, expected at least one item"));
}

TEST(ReadMessage, CollectsABoundedNumberOfViolations) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "unknown" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(ViolationsOf(text).size(), 20);
}

// Else a key would mean two things.
TEST(ReadMessage, SelectedMembersShareNoKeyWithTheirMessage) {
  const google::protobuf::Descriptor& type = *v1::TrainStage::descriptor();
  std::set<std::string> keys;
  for (int i = 0; i < type.field_count(); ++i) keys.insert(type.field(i)->name());
  for (const google::protobuf::Descriptor* options : {v1::PpoOptions::descriptor(), v1::BcOptions::descriptor()}) {
    for (int i = 0; i < options->field_count(); ++i) EXPECT_FALSE(keys.contains(options->field(i)->name()));
  }
}

}  // namespace
}  // namespace understudy
