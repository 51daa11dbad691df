#include "common/config/experiment_reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "common/config/field_value.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {
namespace {

using testing::HasSubstr;

TEST(ExperimentReference, ShowsKeysDefaultsAndBounds) {
  const std::string text = ExperimentReference();
  EXPECT_THAT(text, HasSubstr("  clip                     0.2            a number in (0, 1]\n"));
  EXPECT_THAT(text, HasSubstr("  hidden_sizes             [64,64]        a list, each an integer in [1, 8192]\n"));
  EXPECT_THAT(text, HasSubstr("  step_latency             0s             a length of time from 0 to 10s, like 5ms\n"));
  EXPECT_THAT(text, HasSubstr("  record                                  a list, each one of logits, value\n"));
  EXPECT_THAT(text, HasSubstr("  mean_return              required       a number in [-1e+09, 1e+09]\n"));
}

TEST(ExperimentReference, SaysWhatKeysMeanInLinesOfAtMostAHundredCharacters) {
  const std::string text = ExperimentReference();
  EXPECT_THAT(text, HasSubstr("a number in (0, 1]\n      The clipping range of the probability ratio.\n"));
  EXPECT_THAT(
      text,
      HasSubstr("      The number of learners that train together. Each takes a share of the slots (ppo) and of every\n"
                "      minibatch, and they sum their gradients. The stage begins when this many are attached.\n"));
  for (const std::string& line : std::vector<std::string>(absl::StrSplit(text, '\n')))
    EXPECT_LE(line.size(), 100) << line;
}

// Keys of the message type and of all messages in it that do not say what they mean. Members that another key selects
// are not keys.
std::vector<std::string> KeysWithoutMeaning(const google::protobuf::Descriptor& type) {
  std::vector<std::string> found;
  for (int i = 0; i < type.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *type.field(i);
    const auto* selected = SelectedOneof(type);
    const bool is_key = selected == nullptr || field.real_containing_oneof() != selected;
    const std::string& meaning = ConstraintOf(field).meaning();
    if (is_key && !absl::EndsWith(meaning, ".")) found.push_back(field.full_name());
    if (field.message_type() == nullptr) continue;
    const std::vector<std::string> below = KeysWithoutMeaning(*field.message_type());
    found.insert(found.end(), below.begin(), below.end());
  }
  return found;
}

TEST(ExperimentReference, EveryKeySaysWhatItMeans) {
  EXPECT_THAT(KeysWithoutMeaning(*v1::ExperimentSpec::descriptor()), testing::IsEmpty());
}

TEST(ExperimentReference, HasASectionForEachMapAndAlgorithm) {
  const std::string text = ExperimentReference();
  EXPECT_THAT(text, HasSubstr("\nstages[], one of these\n"));
  EXPECT_THAT(text, HasSubstr("\nstages[].collect\n"));
  EXPECT_THAT(text, HasSubstr("\nstages[].train.network\n"));
  EXPECT_THAT(text, HasSubstr("\nstages[].train, besides, with algorithm: bc\n"));
  EXPECT_THAT(text, HasSubstr("\nenvironment: CartPole-v0, CartPole-v1\n"));
  EXPECT_THAT(text, HasSubstr("\nstop.interval by default: bc 10 ppo 5\n"));
}

}  // namespace
}  // namespace understudy
