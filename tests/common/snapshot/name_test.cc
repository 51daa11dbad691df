#include "common/snapshot/name.h"

#include <gtest/gtest.h>

#include <string>

namespace understudy {
namespace {

TEST(IsValidName, AcceptsLettersDigitsAndInnerPunctuation) {
  for (const char* name : {"a", "Z", "0", "expert", "CartPole-v1", "my_policy.2", "a-", "a."}) {
    EXPECT_TRUE(IsValidName(name)) << name;
  }
  EXPECT_TRUE(IsValidName(std::string(64, 'x')));
}

TEST(IsValidName, RefusesEverythingElse) {
  for (const char* name : {"", ".", "..", "-a", "_a", ".a", "a b", "a/b", "a@1", "a\n", "ä", "a:b", "a\\b"}) {
    EXPECT_FALSE(IsValidName(name)) << name;
  }
  EXPECT_FALSE(IsValidName(std::string(65, 'x')));
  EXPECT_FALSE(IsValidName(std::string("a\0b", 3)));
}

}  // namespace
}  // namespace understudy
