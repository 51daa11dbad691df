#include "common/process/reminder.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

constexpr absl::Time kStart = absl::UnixEpoch();

absl::Time At(int seconds) { return kStart + absl::Seconds(seconds); }

TEST(Reminder, IsDueAfterItsFirstTimeAndThenAtIntervals) {
  Reminder reminder(absl::Seconds(2), absl::Seconds(30));
  EXPECT_FALSE(reminder.Due(At(100)));
  EXPECT_EQ(reminder.next(), absl::InfiniteFuture());
  reminder.Begin(At(100));
  EXPECT_EQ(reminder.next(), At(102));
  EXPECT_FALSE(reminder.Due(At(101)));
  EXPECT_TRUE(reminder.Due(At(102)));
  EXPECT_FALSE(reminder.Due(At(102)));
  EXPECT_FALSE(reminder.Due(At(131)));
  EXPECT_TRUE(reminder.Due(At(133)));
  EXPECT_EQ(reminder.next(), At(163));
}

TEST(Reminder, LastsFromItsFirstBeginning) {
  Reminder reminder(absl::Seconds(2), absl::Seconds(30));
  EXPECT_EQ(reminder.lasting(At(5)), absl::ZeroDuration());
  reminder.Begin(At(5));
  reminder.Begin(At(6));
  EXPECT_EQ(reminder.lasting(At(9)), absl::Seconds(4));
  EXPECT_EQ(reminder.next(), At(7));
  EXPECT_EQ(reminder.LastingText(At(5)), "");
  EXPECT_EQ(reminder.LastingText(At(96)), ", for 1m31s now");
}

TEST(Reminder, IsOverSilentlyUnlessItWasSaid) {
  Reminder reminder(absl::Seconds(2), absl::Seconds(30));
  reminder.Begin(At(0));
  EXPECT_FALSE(reminder.End());
  reminder.Begin(At(10));
  EXPECT_TRUE(reminder.Due(At(12)));
  EXPECT_TRUE(reminder.End());
  EXPECT_FALSE(reminder.End());
  EXPECT_FALSE(reminder.Due(At(100)));
  EXPECT_EQ(reminder.lasting(At(100)), absl::ZeroDuration());
}

}  // namespace
}  // namespace understudy
