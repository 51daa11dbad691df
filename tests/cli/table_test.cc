#include "cli/table.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(DisplayWidth, CountsCharactersAndNotBytes) {
  EXPECT_EQ(DisplayWidth(""), 0);
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("1 ± 2"), 5);
}

TEST(Clip, KeepsWhatFits) { EXPECT_EQ(Clip("abc", 3), "abc"); }

TEST(Clip, EndsWhatDoesNotFitWithAnEllipsis) { EXPECT_EQ(Clip("abcdef", 4), "abc…"); }

TEST(Clip, NeverSplitsACharacter) { EXPECT_EQ(Clip("a±±±", 3), "a±…"); }

TEST(FormatTable, AlignsColumns) {
  EXPECT_EQ(FormatTable({{"name", ">count"}, {"a", "1"}, {"longer", "1,000"}}),
            "name    count\n"
            "------  -----\n"
            "a           1\n"
            "longer  1,000\n");
}

TEST(FormatTable, AlignsByCharacters) {
  EXPECT_EQ(FormatTable({{"a", "b"}, {"±", "x"}, {"12", "y"}}),
            "a   b\n"
            "--  -\n"
            "±   x\n"
            "12  y\n");
}

TEST(FormatTable, ClipsTheWidestColumnToItsWidth) {
  EXPECT_EQ(FormatTable({{"a", "text"}, {"1", "a text that goes on and on"}}, 13),
            "a  text\n"
            "-  ----------\n"
            "1  a text th…\n");
}

TEST(FormatTable, NeverClipsTheFirstColumn) {
  EXPECT_EQ(FormatTable({{"id", "text"}, {"a-long-name-244d6e", "longer than that"}}, 24),
            "id                  text\n"
            "------------------  --------\n"
            "a-long-name-244d6e  longer …\n");
}

TEST(FormatTable, LetsNoControlCharacterThrough) {
  EXPECT_EQ(FormatTable({{"a"}, {"x\033[2Jy\nz"}}),
            "a\n"
            "--------\n"
            "x?[2Jy?z\n");
}

TEST(FormatFields, AlignsValuesAndLeavesEmptyOnesOut) {
  EXPECT_EQ(FormatFields({{"name", "x"}, {"a long name without value", ""}, {"digest", "ab"}}),
            "name    x\n"
            "digest  ab\n");
}

TEST(ShortText, HasAboutThreeDigits) {
  EXPECT_EQ(ShortText(0), "0");
  EXPECT_EQ(ShortText(999), "999");
  EXPECT_EQ(ShortText(1000), "1.0k");
  EXPECT_EQ(ShortText(12345), "12.3k");
  EXPECT_EQ(ShortText(123456), "123k");
  EXPECT_EQ(ShortText(4'500'000), "4.5M");
}

TEST(DurationText, ChangesUnitWithSize) {
  EXPECT_EQ(DurationText(absl::ZeroDuration()), "0.00 s");
  EXPECT_EQ(DurationText(absl::Milliseconds(843)), "0.84 s");
  EXPECT_EQ(DurationText(absl::Milliseconds(12340)), "12.3 s");
  EXPECT_EQ(DurationText(absl::Milliseconds(59960)), "1 min 00 s");
  EXPECT_EQ(DurationText(absl::Seconds(185)), "3 min 05 s");
  EXPECT_EQ(DurationText(absl::Seconds(2 * 3600 + 4 * 60)), "2 h 04 min");
}

TEST(DurationText, TakesAClockThatWentBackForNoTime) { EXPECT_EQ(DurationText(absl::Seconds(-3)), "0.00 s"); }

TEST(BytesText, UsesBinaryUnits) {
  EXPECT_EQ(BytesText(12), "12 B");
  EXPECT_EQ(BytesText(1024), "1.0 KiB");
  EXPECT_EQ(BytesText(1536 * 1024), "1.5 MiB");
}

TEST(TimeText, IsUtc) {
  EXPECT_EQ(TimeText(1769903999000), "2026-01-31 23:59:59 UTC");
  EXPECT_EQ(TimeText(0), "");
}

}  // namespace
}  // namespace understudy
