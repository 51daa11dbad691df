#include "common/rollouts/stragglers.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

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

absl::Time At(double seconds) { return absl::UnixEpoch() + absl::Seconds(seconds); }

TEST(FencedWorkers, RefusesAWorkerForTenSecondsSayingForHowMuchLonger) {
  FencedWorkers fenced;
  fenced.Fence("a", At(100));
  EXPECT_EQ(fenced.Check("a", At(102.5)),
            absl::FailedPreconditionError("worker 'a' kept others waiting and is refused for 7.5s more"));
  EXPECT_FALSE(fenced.Check("a", At(109.99)).ok());
  EXPECT_TRUE(fenced.Check("a", At(110)).ok());
  EXPECT_TRUE(fenced.Check("b", At(100)).ok());
}

TEST(FencedWorkers, RefusesTwiceAsLongEachTimeUpToTenMinutes) {
  FencedWorkers fenced;
  double now = 0;
  for (const double seconds : {10, 20, 40, 80, 160, 320, 600, 600, 600}) {
    fenced.Fence("a", At(now));
    EXPECT_FALSE(fenced.Check("a", At(now + seconds - 1)).ok()) << seconds;
    EXPECT_TRUE(fenced.Check("a", At(now + seconds)).ok()) << seconds;
    now += 10'000;
  }
}

TEST(FencedWorkers, ForgetsTheOneThatWasFencedLongestAgoWhereThereAreTooMany) {
  FencedWorkers fenced;
  fenced.Fence("first", At(0));
  fenced.Fence("second", At(1));
  for (size_t i = 2; i < kMaxFencedWorkers; ++i) fenced.Fence(absl::StrCat("worker ", i), At(2));
  fenced.Fence("first", At(3));  // known already: nobody is forgotten
  EXPECT_FALSE(fenced.Check("second", At(4)).ok());
  fenced.Fence("one more", At(4));
  EXPECT_TRUE(fenced.Check("second", At(4)).ok());
  EXPECT_FALSE(fenced.Check("first", At(4)).ok());
  EXPECT_FALSE(fenced.Check("one more", At(4)).ok());
}

}  // namespace
}  // namespace understudy
