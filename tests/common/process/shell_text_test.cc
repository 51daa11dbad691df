#include "common/process/shell_text.h"

#include <gtest/gtest.h>
#include <stdio.h>

#include <cstdlib>

namespace understudy {
namespace {

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

}  // namespace
}  // namespace understudy
