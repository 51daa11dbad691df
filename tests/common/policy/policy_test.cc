#include "common/policy/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "tests/testing/training_inputs.h"

namespace understudy {
namespace {

using testing::CartPoleHeader;
using ::testing::Each;
using ::testing::HasSubstr;

std::vector<float> Logits(const Policy& policy, const std::vector<float>& observations) {
  std::vector<float> logits(observations.size() / policy.observation_size() * policy.actions());
  policy.Infer(observations, {.logits = logits, .values = {}});
  return logits;
}

TEST(Policy, KnowsItsSizes) {
  const Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 3);
  EXPECT_EQ(policy.observation_size(), 4u);
  EXPECT_EQ(policy.actions(), 2u);
  EXPECT_EQ(policy.parameters().size(), 2u * (4 * 8 + 8) + 8 * 2 + 2 + 8 + 1);
}

TEST(Policy, WritingTheFlatParametersChangesTheNetwork) {
  Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 3);
  std::ranges::fill(policy.parameters(), 0.0f);
  EXPECT_THAT(Logits(policy, {1, 2, 3, 4, 5, 6, 7, 8}), Each(0));
}

TEST(Policy, KnowsWhichTensorAParameterIsIn) {
  const Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 1);
  EXPECT_EQ(policy.TensorAt(0), "actor.0.weight");
  EXPECT_EQ(policy.TensorAt(4 * 8 - 1), "actor.0.weight");
  EXPECT_EQ(policy.TensorAt(4 * 8), "actor.0.bias");
  EXPECT_EQ(policy.TensorAt(4 * 8 + 8), "actor.1.weight");
  EXPECT_EQ(policy.TensorAt(policy.parameters().size() - 1), "critic.1.bias");
}

TEST(Policy, InferOfNoRowsIsEmpty) {
  EXPECT_TRUE(Logits(*Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 3), {}).empty());
}

TEST(Policy, InfersInManyThreadsAtATime) {
  const Policy small = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 3);
  const Policy large = *Policy::Create(CartPoleHeader("hidden_sizes: [300, 100]"), 3);
  const std::vector<float> observations(100 * 4, 0.25f);
  const std::vector<float> expected_small = Logits(small, observations), expected_large = Logits(large, observations);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int repeat = 0; repeat < 20; ++repeat) {
        EXPECT_EQ(Logits(small, observations), expected_small);
        EXPECT_EQ(Logits(large, observations), expected_large);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Policy, ASnapshotBringsTheSameParametersBack) {
  const Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8, 6] activation: 'relu'"), 11);
  const std::shared_ptr<const PolicySnapshot> snapshot = policy.Snapshot("expert", 4);
  EXPECT_EQ(snapshot->header.name(), "expert");
  EXPECT_EQ(snapshot->header.version(), 4);
  EXPECT_EQ(snapshot->header.parameter_count(), policy.parameters().size());
  const Policy restored = *Policy::FromSnapshot(*snapshot);
  EXPECT_TRUE(std::ranges::equal(restored.parameters(), policy.parameters()));
  EXPECT_EQ(restored.Snapshot("expert", 4)->Digest(), snapshot->Digest());
}

TEST(Policy, ASnapshotDoesNotChangeWithThePolicy) {
  Policy policy = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 11);
  const std::shared_ptr<const PolicySnapshot> snapshot = policy.Snapshot("expert", 1);
  const std::string before = snapshot->parameters;
  Policy copy = *Policy::FromSnapshot(*snapshot);
  std::ranges::fill(policy.parameters(), 0.0f);
  std::ranges::fill(copy.parameters(), 0.0f);
  EXPECT_EQ(snapshot->parameters, before);
}

TEST(Policy, ASnapshotThatIsMovedIsNotCopied) {
  PolicySnapshot snapshot = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 11)->Snapshot("expert", 1);
  const void* const bytes = snapshot.parameters.data();
  const Policy policy = *Policy::FromSnapshot(std::move(snapshot));
  EXPECT_EQ(static_cast<const void*>(policy.parameters().data()), bytes);
}

TEST(Policy, ASnapshotOfAnotherSizeIsRefused) {
  PolicySnapshot snapshot = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 1)->Snapshot("expert", 3);
  snapshot.parameters.pop_back();
  const absl::Status status = Policy::FromSnapshot(snapshot).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("policy expert@3: found 427 bytes"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("428"));
}

TEST(Policy, MovingKeepsParametersAndNetworkTogether) {
  Policy original = *Policy::Create(CartPoleHeader("hidden_sizes: [8]"), 1);
  const std::vector<float> before = Logits(original, {1, 2, 3, 4});
  const Policy policy = std::move(original);
  EXPECT_EQ(Logits(policy, {1, 2, 3, 4}), before);
}

}  // namespace
}  // namespace understudy
