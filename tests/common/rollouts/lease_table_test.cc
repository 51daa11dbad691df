#include "common/rollouts/lease_table.h"

#include <gtest/gtest.h>

namespace understudy {
namespace {

TEST(LeaseTable, LeasesLowestNumbersFirstUpToItsLimit) {
  LeaseTable table(5);
  EXPECT_EQ(table.Lease(1, 3), (NumberRange{0, 3}));
  EXPECT_EQ(table.Lease(2, 3), (NumberRange{3, 5}));
  EXPECT_EQ(table.Lease(3, 3), std::nullopt);
}

TEST(LeaseTable, LeasesNothingWhereNothingIsAskedFor) {
  LeaseTable table(5);
  EXPECT_EQ(table.Lease(1, 0), std::nullopt);
  EXPECT_EQ(table.next(), 0);
}

TEST(LeaseTable, CompletesANumberOnce) {
  LeaseTable table(5);
  table.Lease(1, 5);
  EXPECT_TRUE(table.Complete(2));
  EXPECT_FALSE(table.Complete(2));
  EXPECT_TRUE(table.IsDone(2));
  EXPECT_FALSE(table.IsDone(1));
}

TEST(LeaseTable, GrowsItsPrefixOnlyWithoutAGap) {
  LeaseTable table(5);
  table.Lease(1, 5);
  table.Complete(1);
  table.Complete(2);
  EXPECT_EQ(table.done_prefix(), 0);
  EXPECT_EQ(table.unfinished(), 3);
  table.Complete(0);
  EXPECT_EQ(table.done_prefix(), 3);
  EXPECT_FALSE(table.Complete(1));
}

TEST(LeaseTable, ReopensWhatALostLeaseHeld) {
  LeaseTable table(6);
  table.Lease(1, 6);
  table.Complete(2);
  table.Release(1);
  EXPECT_EQ(table.reopened(), 5);
  // Contiguous ones only: 2 is done.
  EXPECT_EQ(table.Lease(2, 6), (NumberRange{0, 2}));
  EXPECT_EQ(table.Lease(3, 2), (NumberRange{3, 5}));
  EXPECT_EQ(table.Lease(4, 6), (NumberRange{5, 6}));
  EXPECT_EQ(table.Lease(5, 6), std::nullopt);
}

TEST(LeaseTable, KnowsALeaseUntilAllOfItIsDone) {
  LeaseTable table(6);
  table.Lease(1, 2);
  table.Lease(2, 2);
  table.Complete(0);
  EXPECT_EQ(table.Find(1), (NumberRange{0, 2}));
  table.Complete(1);
  EXPECT_EQ(table.Find(1), std::nullopt);
  EXPECT_EQ(table.Find(2), (NumberRange{2, 4}));
  table.Release(2);
  EXPECT_EQ(table.Find(2), std::nullopt);
}

TEST(LeaseTable, IgnoresTheReleaseOfAnUnknownLease) {
  LeaseTable table(2);
  table.Release(77);
  EXPECT_EQ(table.Lease(1, 2), (NumberRange{0, 2}));
}

TEST(LeaseTable, TakesALateNumberFromItsNewHolder) {
  LeaseTable table(4);
  table.Lease(1, 4);
  table.Release(1);
  table.Lease(2, 2);
  EXPECT_TRUE(table.Complete(0));  // held by 2 now
  EXPECT_TRUE(table.Complete(3));  // open
  EXPECT_EQ(table.reopened(), 1);
  table.Complete(1);
  EXPECT_EQ(table.Find(2), std::nullopt);
  EXPECT_EQ(table.Lease(3, 4), (NumberRange{2, 3}));
}

TEST(LeaseTable, LeasesOnlyTheGapsBelowWhatWasDoneBefore) {
  LeaseTable table(8);
  EXPECT_TRUE(table.Restore(0));
  EXPECT_TRUE(table.Restore(4));
  EXPECT_FALSE(table.Restore(4));
  EXPECT_TRUE(table.Restore(2));
  EXPECT_EQ(table.done_prefix(), 1);
  EXPECT_EQ(table.next(), 5);
  EXPECT_EQ(table.unfinished(), 2);
  EXPECT_EQ(table.Lease(1, 8), (NumberRange{1, 2}));
  EXPECT_EQ(table.Lease(2, 8), (NumberRange{3, 4}));
  EXPECT_EQ(table.Lease(3, 8), (NumberRange{5, 8}));
  EXPECT_TRUE(table.Complete(1));
  EXPECT_TRUE(table.Complete(3));
  EXPECT_EQ(table.done_prefix(), 5);
}

}  // namespace
}  // namespace understudy
