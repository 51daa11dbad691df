#include "learner/algorithms/minibatches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>

namespace understudy {
namespace {

RandomStream Stream(uint64_t index) { return RandomStream(1, RandomPurpose::kMinibatchShuffle, 0, index); }

TEST(RandomOrder, HoldsEveryNumberOnce) {
  std::vector<uint32_t> expected(1000);
  std::iota(expected.begin(), expected.end(), 0u);
  EXPECT_THAT(RandomOrder(1000, Stream(0)), ::testing::UnorderedElementsAreArray(expected));
  EXPECT_NE(RandomOrder(1000, Stream(0)), expected);
  EXPECT_TRUE(RandomOrder(0, Stream(0)).empty());
}

TEST(RandomOrder, FollowsFromTheStream) {
  EXPECT_EQ(RandomOrder(50, Stream(3)), RandomOrder(50, Stream(3)));
  EXPECT_NE(RandomOrder(50, Stream(3)), RandomOrder(50, Stream(4)));
}

TEST(RandomOrder, AllOrdersAreEquallyFrequent) {
  std::map<std::vector<uint32_t>, int> counts;
  for (uint64_t i = 0; i < 6000; ++i) ++counts[RandomOrder(3, Stream(i))];
  ASSERT_EQ(counts.size(), 6u);
  for (const auto& [order, count] : counts) EXPECT_NEAR(count, 1000, 150);  // five standard deviations
}

TEST(Minibatches, TheLastOneMayBeSmaller) {
  const std::vector<uint32_t> order = {4, 0, 3, 1, 2};
  const std::vector<std::span<const uint32_t>> minibatches = Minibatches(order, 2);
  ASSERT_EQ(minibatches.size(), 3u);
  EXPECT_THAT(minibatches[0], ::testing::ElementsAre(4, 0));
  EXPECT_THAT(minibatches[1], ::testing::ElementsAre(3, 1));
  EXPECT_THAT(minibatches[2], ::testing::ElementsAre(2));
  EXPECT_EQ(Minibatches(order, 5).size(), 1u);
  EXPECT_EQ(Minibatches(order, 100).size(), 1u);
}

}  // namespace
}  // namespace understudy
