#include "actor/rollout_counters.h"

#include <gtest/gtest.h>

#include <string>

namespace understudy {
namespace {

// What there is of produced beyond the sum of everything else.
int64_t Unexplained(const RolloutCounters& counters) {
  const v1::WorkerHeartbeat totals = counters.Totals();
  const v1::TrajectoryAccounting& counts = totals.trajectories();
  int64_t rejected = 0;
  for (const auto& [reason, count] : counts.rejected()) rejected += count;
  return counts.produced() - counts.accepted() - rejected - counts.lost() - counts.in_flight();
}

TEST(RolloutCounters, ExplainEveryTrajectoryAfterEveryStep) {
  RolloutCounters counters;
  EXPECT_EQ(Unexplained(counters), 0);
  counters.AddProduced(10, 500);
  EXPECT_EQ(Unexplained(counters), 0);
  counters.AddAcknowledged(4, 2, "duplicate");
  EXPECT_EQ(Unexplained(counters), 0);
  counters.AddProduced(3, 90);
  counters.AddAcknowledged(0, 1, "stale");
  EXPECT_EQ(Unexplained(counters), 0);
  counters.AddLost(6);
  EXPECT_EQ(Unexplained(counters), 0);

  const v1::WorkerHeartbeat totals = counters.Totals();
  EXPECT_EQ(totals.steps_produced(), 590);
  EXPECT_EQ(totals.trajectories().produced(), 13);
  EXPECT_EQ(totals.trajectories().accepted(), 4);
  EXPECT_EQ(totals.trajectories().rejected().at("duplicate"), 2);
  EXPECT_EQ(totals.trajectories().rejected().at("stale"), 1);
  EXPECT_EQ(totals.trajectories().lost(), 6);
  EXPECT_EQ(totals.trajectories().in_flight(), 0);
}

TEST(RolloutCounters, CountReasonsThatNobodyKnowsTogether) {
  RolloutCounters counters;
  counters.AddProduced(1000, 1000);
  for (int i = 0; i < 1000; ++i) counters.AddAcknowledged(0, 1, "reason " + std::to_string(i));
  EXPECT_EQ(counters.Totals().trajectories().rejected().size(), 1u);
  EXPECT_EQ(counters.Totals().trajectories().rejected().at("other"), 1000);
  EXPECT_EQ(Unexplained(counters), 0);
}

}  // namespace
}  // namespace understudy
