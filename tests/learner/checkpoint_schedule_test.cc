#include <gtest/gtest.h>

#include "learner/progress_reporter.h"

namespace understudy {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1000);

TEST(CheckpointSchedule, TheFirstOneIsDueAtOnce) { EXPECT_TRUE(CheckpointSchedule().Due(kStart)); }

TEST(CheckpointSchedule, TheNextOneIsDueAfterTenTimesAsLongAsTheLastOneTook) {
  CheckpointSchedule schedule;
  schedule.HandedOver(kStart);
  schedule.Stored(absl::Milliseconds(30));
  EXPECT_FALSE(schedule.Due(kStart + absl::Milliseconds(299)));
  EXPECT_TRUE(schedule.Due(kStart + absl::Milliseconds(300)));
}

TEST(CheckpointSchedule, FollowsWhatTheyTakeNow) {
  CheckpointSchedule schedule;
  schedule.HandedOver(kStart);
  schedule.Stored(absl::Seconds(60));
  EXPECT_FALSE(schedule.Due(kStart + absl::Minutes(9)));
  schedule.HandedOver(kStart + absl::Minutes(10));
  schedule.Stored(absl::Milliseconds(1));
  EXPECT_TRUE(schedule.Due(kStart + absl::Minutes(10) + absl::Milliseconds(10)));
}

TEST(CheckpointSchedule, OneIsDueWhereTheClockHasBeenSetBack) {
  CheckpointSchedule schedule;
  schedule.HandedOver(kStart);
  schedule.Stored(absl::Seconds(1));
  EXPECT_TRUE(schedule.Due(kStart - absl::Hours(1)));
  schedule.HandedOver(kStart - absl::Hours(1));
  EXPECT_FALSE(schedule.Due(kStart - absl::Hours(1) + absl::Seconds(9)));
  EXPECT_TRUE(schedule.Due(kStart - absl::Hours(1) + absl::Seconds(10)));
}

TEST(CheckpointSchedule, NoneIsDueAnyMoreWhereTheyCannotBeStored) {
  CheckpointSchedule schedule;
  schedule.HandedOver(kStart);
  schedule.Stored(absl::InfiniteDuration());
  EXPECT_FALSE(schedule.Due(kStart + absl::Hours(100000)));
  EXPECT_FALSE(schedule.Due(kStart - absl::Hours(1)));
}

}  // namespace
}  // namespace understudy
