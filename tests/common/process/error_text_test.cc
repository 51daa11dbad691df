#include "common/process/error_text.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(ErrorText, KeepsAShortLineAsItIs) {
  EXPECT_EQ(ErrorText("out of memory"), "out of memory");
  EXPECT_EQ(ErrorText(""), "");
}

TEST(ErrorText, KeepsTheFirstLineAlone) { EXPECT_EQ(ErrorText("out of memory\nframe #0: …\n"), "out of memory"); }

TEST(ErrorText, CutsBetweenCharacters) {
  // "é" has two bytes, "€" three.
  EXPECT_EQ(ErrorText("abé", 3), "ab");
  EXPECT_EQ(ErrorText("abé", 4), "abé");
  EXPECT_EQ(ErrorText("a€€", 6), "a€");
  EXPECT_EQ(ErrorText("a€€", 3), "a");
  EXPECT_EQ(ErrorText("abcdef", 3), "abc");
}

}  // namespace
}  // namespace understudy
