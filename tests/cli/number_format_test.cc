#include "cli/number_format.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

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

TEST(StatusName, HasNoPrefix) { EXPECT_EQ(StatusName(v1::STATUS_SUCCEEDED), "SUCCEEDED"); }

TEST(HasEnded, IsTrueOfFinalStatesOnly) {
  EXPECT_FALSE(HasEnded(v1::STATUS_PENDING));
  EXPECT_FALSE(HasEnded(v1::STATUS_RUNNING));
  EXPECT_TRUE(HasEnded(v1::STATUS_SUCCEEDED));
  EXPECT_TRUE(HasEnded(v1::STATUS_FAILED));
  EXPECT_TRUE(HasEnded(v1::STATUS_CANCELLED));
}

}  // namespace
}  // namespace understudy
