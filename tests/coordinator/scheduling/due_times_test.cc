#include "coordinator/scheduling/due_times.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

absl::Time At(int seconds) { return absl::FromUnixSeconds(seconds); }

TEST(DueTimes, GivesThoseWhoseTimeHasComeOnceAndEarliestFirst) {
  DueTimes times;
  times.Set("late", At(3));
  times.Set("b", At(2));
  times.Set("a", At(1));
  EXPECT_EQ(times.next(), At(1));
  EXPECT_THAT(times.TakeDue(At(0)), IsEmpty());
  EXPECT_THAT(times.TakeDue(At(2)), ElementsAre("a", "b"));
  EXPECT_THAT(times.TakeDue(At(2)), IsEmpty());
  EXPECT_EQ(times.next(), At(3));
}

TEST(DueTimes, TheLatestTimeOfAnIdCounts) {
  DueTimes times;
  times.Set("a", At(1));
  times.Set("a", At(5));
  EXPECT_THAT(times.TakeDue(At(4)), IsEmpty());
  times.Set("a", At(2));
  EXPECT_THAT(times.TakeDue(At(4)), ElementsAre("a"));
  times.Set("a", At(6));
  times.Set("a", absl::InfiniteFuture());
  EXPECT_EQ(times.next(), absl::InfiniteFuture());
}

}  // namespace
}  // namespace understudy
