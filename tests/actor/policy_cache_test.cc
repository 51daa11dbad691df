#include "actor/policy_cache.h"

#include <gtest/gtest.h>

#include "common/rollouts/dispatcher.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using ::understudy::testing::TestSnapshot;

absl::Status Add(PolicyCache& cache, const PolicySnapshot& snapshot) {
  absl::Status status;
  SendInChunks(snapshot, [&](const v1::PolicyChunk& chunk) {
    status = cache.Add(chunk);
    return status.ok();
  });
  return status;
}

TEST(PolicyCache, FindsWhatCame) {
  PolicyCache cache;
  ASSERT_TRUE(Add(cache, *TestSnapshot("expert", 3)).ok());
  const auto policy = cache.Find("expert", 3);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ((*policy)->header().digest(), TestSnapshot("expert", 3)->Digest());
  EXPECT_TRUE(absl::IsNotFound(cache.Find("expert", 4).status()));
  EXPECT_TRUE(absl::IsNotFound(cache.Find("clone", 3).status()));
}

TEST(PolicyCache, KeepsTheLastOnesThatCame) {
  PolicyCache cache;
  const auto last = static_cast<int64_t>(kPoliciesPerStream) + 1;
  for (int64_t version = 1; version <= last; ++version) {
    ASSERT_TRUE(Add(cache, *TestSnapshot("expert", version)).ok());
  }
  EXPECT_TRUE(absl::IsNotFound(cache.Find("expert", 1).status()));
  for (int64_t version = 2; version <= last; ++version) EXPECT_TRUE(cache.Find("expert", version).ok());
}

TEST(PolicyCache, RemembersWhyASnapshotIsNoPolicy) {
  PolicySnapshot snapshot = *TestSnapshot("expert", 1);
  snapshot.header.mutable_network()->set_type("telepathy");
  PolicyCache cache;
  ASSERT_TRUE(Add(cache, *MakeSnapshot(snapshot.header, snapshot.parameters)).ok());
  const absl::Status status = cache.Find("expert", 1).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_NE(status.message().find("telepathy"), absl::string_view::npos) << status;
}

TEST(PolicyCache, RefusesASnapshotThatWasDamaged) {
  PolicySnapshot snapshot = *TestSnapshot("expert", 1);
  snapshot.parameters[0] = static_cast<char>(snapshot.parameters[0] ^ 1);
  PolicyCache cache;
  EXPECT_TRUE(absl::IsDataLoss(Add(cache, snapshot)));
  EXPECT_TRUE(absl::IsNotFound(cache.Find("expert", 1).status()));
}

}  // namespace
}  // namespace understudy
