#include "coordinator/scheduling/worker_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

absl::Time After(int seconds) { return kStart + absl::Seconds(seconds); }

v1::WorkerHello Hello(const std::string& id, const std::string& rollouts_address = "") {
  v1::WorkerHello hello;
  hello.set_worker_id(id);
  hello.set_kind(rollouts_address.empty() ? v1::WORKER_KIND_ACTOR : v1::WORKER_KIND_LEARNER);
  hello.set_rollouts_address(rollouts_address);
  return hello;
}

TEST(WorkerTable, ANewWorkerIsIdleAndKnowsItsLease) {
  WorkerTable table;
  EXPECT_TRUE(table.Attach(Hello("a"), kStart));
  ASSERT_NE(table.Find("a"), nullptr);
  EXPECT_EQ(table.Find("a")->assignment.epoch(), 0);
  EXPECT_EQ(table.Find("a")->assignment.lease_ms(), 10'000);
  EXPECT_EQ(table.Find("a")->assignment.heartbeat_ms(), 1'000);
  EXPECT_EQ(table.Find("b"), nullptr);
}

TEST(WorkerTable, ManyWorkersSendHeartbeatsMoreSeldomButTwiceInALease) {
  EXPECT_EQ(HeartbeatInterval(0), absl::Seconds(1));
  EXPECT_EQ(HeartbeatInterval(2'000), absl::Seconds(1));
  EXPECT_EQ(HeartbeatInterval(2'001), absl::Seconds(2));
  EXPECT_EQ(HeartbeatInterval(10'000), absl::Seconds(5));
  EXPECT_EQ(HeartbeatInterval(20'000), absl::Seconds(5));
}

TEST(WorkerTable, ASilentWorkerExpiresWhenItsLeaseEnds) {
  WorkerTable table;
  table.Attach(Hello("a"), kStart);
  EXPECT_EQ(table.next_expiry(), After(10));
  EXPECT_THAT(table.RemoveExpired(After(10) - absl::Nanoseconds(1)), IsEmpty());
  EXPECT_THAT(table.RemoveExpired(After(10)), ElementsAre("a"));
  EXPECT_EQ(table.Find("a"), nullptr);
  EXPECT_EQ(table.next_expiry(), absl::InfiniteFuture());
}

TEST(WorkerTable, AHeartbeatRenewsTheLeaseOfItsWorkerAlone) {
  WorkerTable table;
  table.Attach(Hello("a"), After(0));
  table.Attach(Hello("b"), After(1));
  table.Attach(Hello("c"), After(2));
  v1::WorkerHeartbeat heartbeat;
  heartbeat.set_steps_produced(42);
  EXPECT_TRUE(table.Renew("a", heartbeat, After(9)));
  EXPECT_EQ(table.Find("a")->heartbeat.steps_produced(), 42);
  EXPECT_EQ(table.next_expiry(), After(11));
  EXPECT_THAT(table.RemoveExpired(After(15)), ElementsAre("b", "c"));
  EXPECT_THAT(table.RemoveExpired(After(19)), ElementsAre("a"));
}

TEST(WorkerTable, ALateHeartbeatFindsNoLease) {
  WorkerTable table;
  table.Attach(Hello("a"), kStart);
  table.RemoveExpired(After(10));
  EXPECT_FALSE(table.Renew("a", {}, After(11)));
}

TEST(WorkerTable, AttachingAgainKeepsTheAssignment) {
  WorkerTable table;
  table.Attach(Hello("l", "127.0.0.1:1"), kStart);
  table.Find("l")->assignment.set_epoch(7);
  EXPECT_FALSE(table.Attach(Hello("l", "127.0.0.1:1"), After(5)));
  EXPECT_EQ(table.Find("l")->assignment.epoch(), 7);
  EXPECT_EQ(table.next_expiry(), After(15));
  EXPECT_EQ(table.size(), 1u);
}

TEST(WorkerTable, AnotherProcessUnderTheSameIdStartsIdle) {
  WorkerTable table;
  table.Attach(Hello("l", "127.0.0.1:1"), kStart);
  table.Find("l")->assignment.set_epoch(7);
  EXPECT_TRUE(table.Attach(Hello("l", "127.0.0.1:2"), After(5)));
  EXPECT_EQ(table.Find("l")->assignment.epoch(), 0);
  EXPECT_EQ(table.Find("l")->hello.rollouts_address(), "127.0.0.1:2");
  EXPECT_EQ(table.size(), 1u);
}

TEST(WorkerTable, RemovingLeavesTheOthersAlone) {
  WorkerTable table;
  table.Attach(Hello("a"), kStart);
  table.Attach(Hello("b"), kStart);
  table.Remove("a");
  table.Remove("nobody");
  EXPECT_THAT(table.RemoveExpired(After(10)), ElementsAre("b"));
}

}  // namespace
}  // namespace understudy
