#include "common/config/wording.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(Wording, KeepsWhatAUserWroteOnOnePrintableLine) {
  EXPECT_EQ(Printable("two\nlines\x1b[31m"), "two\\nlines\\x1b[31m");
  EXPECT_EQ(Quoted("a\"b"), "\"a\\\"b\"");
}

TEST(Wording, CutsLongText) {
  EXPECT_EQ(Printable(std::string(64, 'x')), std::string(64, 'x'));
  EXPECT_EQ(Printable(std::string(65, 'x')), std::string(64, 'x') + "...");
}

TEST(Wording, ListsWhatThereIs) {
  EXPECT_EQ(OneOf({"relu", "tanh"}), "one of relu, tanh");
  EXPECT_EQ(OneOf({"mlp"}), "mlp");
}

TEST(Wording, SuggestsTheNearestNameOnly) {
  EXPECT_EQ(OneOf({"epochs", "episodes"}, "epoch"), "one of epochs, episodes (did you mean epochs?)");
  EXPECT_EQ(OneOf({"relu", "tanh"}, "tnah"), "one of relu, tanh (did you mean tanh?)");
  EXPECT_EQ(OneOf({"relu", "tanh"}, "sigmoid"), "one of relu, tanh");
  EXPECT_EQ(OneOf({"relu", "tanh"}, std::string(1 << 20, 'r')), "one of relu, tanh");
}

TEST(Wording, DoesNotGuessAtShortNames) { EXPECT_EQ(OneOf({"bc", "ppo"}, "xy"), "one of bc, ppo"); }

}  // namespace
}  // namespace understudy
