#include "coordinator/scheduling/lapse_meter.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

using std::chrono::milliseconds;

const absl::Time kWall = absl::FromUnixSeconds(1'000'000);
const std::chrono::steady_clock::time_point kSteady{};

TEST(LapseMeter, FindsNoneInALoopThatRuns) {
  LapseMeter meter(absl::Seconds(2), kWall, kSteady);
  EXPECT_EQ(meter.Measure(kWall + absl::Seconds(1), kSteady + milliseconds(1000)), absl::ZeroDuration());
}

TEST(LapseMeter, FindsTheTimeInWhichTheProcessWasStopped) {
  LapseMeter meter(absl::Seconds(2), kWall, kSteady);
  EXPECT_EQ(meter.Measure(kWall + absl::Seconds(60), kSteady + milliseconds(60'000)), absl::Seconds(58));
}

TEST(LapseMeter, FindsTheTimeInWhichTheMachineSlept) {
  LapseMeter meter(absl::Seconds(2), kWall, kSteady);
  EXPECT_EQ(meter.Measure(kWall + absl::Hours(8), kSteady + milliseconds(500)),
            absl::Hours(8) - absl::Milliseconds(500));
}

TEST(LapseMeter, FindsThatTheClockWasSetBack) {
  LapseMeter meter(absl::Seconds(2), kWall, kSteady);
  EXPECT_EQ(meter.Measure(kWall - absl::Hours(1), kSteady + milliseconds(1000)), -absl::Hours(1) - absl::Seconds(1));
}

}  // namespace
}  // namespace understudy
