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
  EXPECT_EQ((*policy)->Snapshot("expert", 3)->Digest(), TestSnapshot("expert", 3)->Digest());
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

// 2 MB, of which every byte is `content`.
std::shared_ptr<const PolicySnapshot> LargeSnapshot(int64_t version, char content) {
  v1::PolicyHeader header = TestSnapshot("expert", version)->header;
  header.mutable_network()->clear_hidden_sizes();
  for (int layer = 0; layer < 2; ++layer) header.mutable_network()->add_hidden_sizes(512);
  constexpr size_t kTrunk = 5 * 512 + 513 * 512;
  return MakeSnapshot(std::move(header), std::string((2 * kTrunk + 513 * 3) * sizeof(float), content));
}

TEST(PolicyCache, PutsALargePolicyWhereOneWasThatIsGone) {
  PolicyCache cache;
  constexpr auto kLast = static_cast<int64_t>(kPoliciesPerStream);
  for (int64_t version = 1; version <= kLast; ++version) {
    ASSERT_TRUE(Add(cache, *LargeSnapshot(version, 'a')).ok());
  }
  const float* const first = cache.Find("expert", 1).value()->parameters().data();
  const auto held = cache.Find("expert", 2).value();

  ASSERT_TRUE(Add(cache, *LargeSnapshot(kLast + 1, 'b')).ok());  // the first goes
  ASSERT_TRUE(Add(cache, *LargeSnapshot(kLast + 2, 'c')).ok());  // the second does not, as somebody has it
  const auto reused = cache.Find("expert", kLast + 2).value();
  EXPECT_EQ(reused->parameters().data(), first);
  EXPECT_EQ(reused->Snapshot("expert", 0)->parameters, LargeSnapshot(0, 'c')->parameters);
  EXPECT_EQ(held->Snapshot("expert", 0)->parameters, LargeSnapshot(0, 'a')->parameters);

  ASSERT_TRUE(Add(cache, *TestSnapshot("clone", 1)).ok());  // of another size
  EXPECT_EQ(cache.Find("clone", 1).value()->Snapshot("clone", 1)->parameters, TestSnapshot("clone", 1)->parameters);
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
