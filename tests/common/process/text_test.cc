#include "common/process/text.h"

#include <gtest/gtest.h>
#include <stdio.h>

#include <cstdlib>

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

TEST(ShellQuoted, LeavesPlainWordsAsTheyAre) {
  for (const char* word : {"data", "./a-b_c/d.yaml", "127.0.0.1:50051", "expert@1", "a=b"}) {
    EXPECT_EQ(ShellQuoted(word), word);
  }
}

TEST(ShellQuoted, QuotesWhatAShellWouldTakeApart) {
  EXPECT_EQ(ShellQuoted("my data"), "'my data'");
  EXPECT_EQ(ShellQuoted("it's"), R"('it'\''s')");
  EXPECT_EQ(ShellQuoted("a\nb"), R"($'a\x0ab')");
  EXPECT_EQ(ShellQuoted(""), "''");
}

// What bash makes of the word, byte for byte.
std::string InBash(const std::string& word) {
  setenv("UNDERSTUDY_TEST_COMMAND", ("printf %s " + word).c_str(), 1);
  FILE* const pipe = popen("bash -c \"$UNDERSTUDY_TEST_COMMAND\"", "r");
  std::string text(1000, '\0');
  text.resize(fread(text.data(), 1, text.size(), pipe));
  pclose(pipe);
  return text;
}

TEST(ShellQuoted, ComesBackFromTheShellAsItWas) {
  for (const char* text :
       {"my data", "it's",      "$HOME",          "~/x",      "a;b&c|d", "*?[]{}", "\"",   "\\",     "#",  "!x", "-n",
        "",        "tab\there", "line\nit's \\n", "\x1b[31m", "\x7f",    "größe",  "\xff", "`date`", "(x)"}) {
    EXPECT_EQ(InBash(ShellQuoted(text)), text);
  }
}

TEST(CheckPath, RefusesWhatAShellWouldHaveReplaced) {
  EXPECT_NE(CheckPath("~"), "");
  EXPECT_NE(CheckPath("~/x"), "");
  EXPECT_NE(CheckPath("~somebody/x"), "");
  for (const char* path : {"", "./~", "a~", "/~/x", "-"}) EXPECT_EQ(CheckPath(path), "") << path;
}

TEST(CountText, SeparatesThousands) {
  EXPECT_EQ(CountText(0), "0");
  EXPECT_EQ(CountText(999), "999");
  EXPECT_EQ(CountText(1000), "1,000");
  EXPECT_EQ(CountText(1234567), "1,234,567");
  EXPECT_EQ(CountText(-123), "-123");
  EXPECT_EQ(CountText(-1234), "-1,234");
}

TEST(CountText, HasTheNounInTheRightNumber) {
  EXPECT_EQ(CountText(0, "episode"), "0 episodes");
  EXPECT_EQ(CountText(1, "episode"), "1 episode");
  EXPECT_EQ(CountText(1234, "episode"), "1,234 episodes");
  EXPECT_EQ(CountText(1, "policy", "policies"), "1 policy");
  EXPECT_EQ(CountText(2, "policy", "policies"), "2 policies");
}

}  // namespace
}  // namespace understudy
