#include "common/environment/spaces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace understudy {
namespace {

using ::testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

v1::Space Box(const std::vector<int64_t>& shape, const std::vector<float>& low = {},
              const std::vector<float>& high = {}) {
  v1::Space space;
  space.mutable_box()->mutable_shape()->Assign(shape.begin(), shape.end());
  space.mutable_box()->mutable_low()->Assign(low.begin(), low.end());
  space.mutable_box()->mutable_high()->Assign(high.begin(), high.end());
  return space;
}

v1::Space Discrete(int32_t n) {
  v1::Space space;
  space.mutable_discrete()->set_n(n);
  return space;
}

void ExpectRefused(const v1::Space& space, const std::string& message) {
  const absl::Status status = ValidateSpace(space);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr(message));
}

TEST(ValidateSpace, AcceptsWhatEnvironmentsDeclare) {
  EXPECT_TRUE(ValidateSpace(Discrete(1)).ok());
  EXPECT_TRUE(ValidateSpace(Discrete(1 << 20)).ok());
  EXPECT_TRUE(ValidateSpace(Box({4})).ok());
  EXPECT_TRUE(ValidateSpace(Box({1 << 12, 1 << 12})).ok());
  EXPECT_TRUE(ValidateSpace(Box({2}, {-kInfinity, -1}, {kInfinity, -1})).ok());
}

TEST(ValidateSpace, RefusesASpaceWithoutKind) { ExpectRefused(v1::Space(), "found no kind"); }

TEST(ValidateSpace, RefusesDiscreteSizesOutOfBounds) {
  ExpectRefused(Discrete(0), "found n = 0");
  ExpectRefused(Discrete(-3), "found n = -3");
  ExpectRefused(Discrete((1 << 20) + 1), "found n = 1048577");
}

TEST(ValidateSpace, RefusesShapesThatHoldNothingOrTooMuch) {
  ExpectRefused(Box({}), "found no shape");
  ExpectRefused(Box({4, 0}), "dimension of 0");
  ExpectRefused(Box({-1}), "dimension of -1");
  ExpectRefused(Box({(1 << 24) + 1}), "dimension of 16777217");
  ExpectRefused(Box({1 << 12, (1 << 12) + 1}), "dimension of 4097");
  // A product that wraps around to 0 in 64 bits.
  ExpectRefused(Box({int64_t{1} << 32, int64_t{1} << 32}), "dimension of 4294967296");
}

TEST(ValidateSpace, RefusesMoreThanSixteenDimensions) {
  EXPECT_TRUE(ValidateSpace(Box(std::vector<int64_t>(16, 1))).ok());
  ExpectRefused(Box(std::vector<int64_t>(17, 1)), "found 17 dimensions, expected at most 16");
}

TEST(ValidateSpace, RefusesBoundsThatDoNotFit) {
  ExpectRefused(Box({2}, {0}, {1, 1}), "found 1 low and 2 high bounds, expected 2 of each");
  ExpectRefused(Box({2}, {}, {1, 1}), "found 0 low and 2 high");
  ExpectRefused(Box({2}, {0, 0, 0}, {1, 1, 1}), "found 3 low and 3 high");
  ExpectRefused(Box({2}, {0, 2}, {1, 1}), "bounds 2 and 1 of element 1");
  ExpectRefused(Box({1}, {kNan}, {1}), "of element 0");
  ExpectRefused(Box({1}, {0}, {kNan}), "of element 0");
}

TEST(SpaceSize, IsTheProductOfTheShapeAndOneForDiscrete) {
  EXPECT_EQ(SpaceSize(Box({3, 4, 5})), 60);
  EXPECT_EQ(SpaceSize(Discrete(7)), 1);
}

TEST(SpaceText, SaysEverythingAboutASpace) {
  EXPECT_EQ(SpaceText(Discrete(2)), "Discrete(2)");
  EXPECT_EQ(SpaceText(Box({3, 4})), "Box(3x4; unbounded)");
  EXPECT_EQ(SpaceText(Box({2}, {-kInfinity, -0.1f}, {kInfinity, 1e-30f})),
            "Box(2; low -inf -0.100000001; high inf 1e-30)");
}

TEST(SpaceText, TellsNeighbouringFloatsApart) {
  EXPECT_NE(SpaceText(Box({1}, {0}, {1})), SpaceText(Box({1}, {0}, {std::nextafter(1.0f, 2.0f)})));
}

}  // namespace
}  // namespace understudy
