#include "common/rollouts/patience.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(Patience, IsTenSecondsAtFirst) { EXPECT_EQ(Patience().current(), absl::Seconds(10)); }

TEST(Patience, IsFourTimesTheLongestThatAResultTook) {
  Patience patience;
  patience.NoteResult(absl::Seconds(2));
  EXPECT_EQ(patience.current(), absl::Seconds(10));
  patience.NoteResult(absl::Seconds(7));
  EXPECT_EQ(patience.current(), absl::Seconds(28));
  patience.NoteResult(absl::Seconds(3));
  EXPECT_EQ(patience.current(), absl::Seconds(28));
}

TEST(Patience, LeavesSlowSimulatorsTheirTimeBesides) {
  Patience patience;
  patience.NoteRequest(absl::Seconds(50));
  patience.NoteRequest(absl::Seconds(20));
  EXPECT_EQ(patience.current(), absl::Seconds(60));
  patience.NoteResult(absl::Seconds(16));
  EXPECT_EQ(patience.current(), absl::Seconds(64));
}

TEST(Patience, DoublesWithEachFenceUpToSixtyFourTimesUntilAResultComes) {
  Patience patience;
  for (const int seconds : {20, 40, 80, 160, 320, 640, 640}) {
    patience.NoteFence();
    EXPECT_EQ(patience.current(), absl::Seconds(seconds));
  }
  patience.NoteResult(absl::Seconds(5));
  EXPECT_EQ(patience.current(), absl::Seconds(20));
}

}  // namespace
}  // namespace understudy
