#include "common/random/random_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <tuple>
#include <vector>

namespace understudy {
namespace {

using ::testing::ElementsAre;

std::vector<uint32_t> Words(RandomStream random, int count) {
  std::vector<uint32_t> words;
  for (int i = 0; i < count; ++i) words.push_back(random());
  return words;
}

// The known answers that the authors of the generator publish (Random123, kat_vectors, "philox4x32 10").
TEST(Philox, MatchesThePublishedVectors) {
  constexpr uint32_t kOnes = 0xFFFFFFFF;
  EXPECT_THAT(Philox4x32({0, 0, 0, 0}, {0, 0}), ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  EXPECT_THAT(Philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

// Recorded results depend on the layout: these numbers come from another implementation and must never change.
TEST(RandomStream, LaysOutCounterAndKeyAsDocumented) {
  const RandomStream random(0x0123456789abcdef, RandomPurpose::kCollectionAction, 0x00fedcba98765432, 0x89abcdef);
  EXPECT_THAT(Words(random, 9), ElementsAre(0x34a6cf31, 0x52d3b203, 0x008671d8, 0x4746a4d3, 0xb9bc2bf6, 0xdd501f0d,
                                            0xd1439f8b, 0x88999190, 0xe8e6e552));
}

TEST(RandomStream, DrawsTheSameNumbersAsAnotherImplementation) {
  RandomStream uniform(7, RandomPurpose::kCollectionReset, 3, 0);
  EXPECT_EQ(uniform.Uniform(), 1.956915685707994e-05);
  EXPECT_EQ(uniform.Uniform(), 0.2235039495834007);
  EXPECT_EQ(uniform.Uniform(), 0.09272477256871436);

  RandomStream range(7, RandomPurpose::kCollectionReset, 3, 0);
  EXPECT_EQ(range.Uniform(-0.05, 0.05), -0.0499980430843143);
  EXPECT_EQ(range.Uniform(-0.05, 0.05), -0.027649605041659933);

  RandomStream normal(7, RandomPurpose::kInitialisation, 1, 0);
  EXPECT_DOUBLE_EQ(normal.Normal(), -0.13676517027249602);
  EXPECT_DOUBLE_EQ(normal.Normal(), 0.8581524210240986);
  EXPECT_DOUBLE_EQ(normal.Normal(), 0.5679074932669772);

  RandomStream below(7, RandomPurpose::kMinibatchShuffle, 1, 2);
  std::vector<uint32_t> digits;
  for (int i = 0; i < 12; ++i) digits.push_back(below.Below(10));
  EXPECT_THAT(digits, ElementsAre(7, 9, 6, 7, 3, 0, 5, 5, 2, 7, 2, 2));
}

TEST(RandomStream, DrawsOtherNumbersWhereAnyPartOfItsIdentityDiffers) {
  using Identity = std::tuple<uint64_t, RandomPurpose, uint64_t, uint64_t>;
  const std::vector<Identity> identities = {
      {0, RandomPurpose::kTrainingReset, 0, 0},
      {1, RandomPurpose::kTrainingReset, 0, 0},
      {uint64_t{1} << 32, RandomPurpose::kTrainingReset, 0, 0},
      {0, RandomPurpose::kTrainingAction, 0, 0},
      {0, RandomPurpose::kTrainingReset, 1, 0},
      {0, RandomPurpose::kTrainingReset, uint64_t{1} << 32, 0},
      {0, RandomPurpose::kTrainingReset, uint64_t{1} << 55, 0},
      {0, RandomPurpose::kTrainingReset, 0, 1},
      {0, RandomPurpose::kTrainingReset, 0, 0xFFFFFFFF},
  };
  std::set<std::vector<uint32_t>> draws;
  for (const auto& [seed, purpose, stream, index] : identities) {
    draws.insert(Words(RandomStream(seed, purpose, stream, index), 4));
  }
  EXPECT_EQ(draws.size(), identities.size());
}

TEST(RandomStream, GoesOnWhereItsCopyStood) {
  RandomStream random(5, RandomPurpose::kCollectionAction, 6, 7);
  random();
  const RandomStream copy = random;
  EXPECT_EQ(Words(copy, 10), Words(random, 10));
}

TEST(RandomStream, IsUniformInTheHalfOpenInterval) {
  constexpr int kDraws = 100000;
  RandomStream random(11, RandomPurpose::kCollectionReset, 0, 0);
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = random.Uniform();
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    sum += value;
    squares += value * value;
  }
  // Five standard errors around mean 1/2 and second moment 1/3.
  EXPECT_NEAR(sum / kDraws, 0.5, 5 * 0.2887 / 316);
  EXPECT_NEAR(squares / kDraws, 1.0 / 3, 5 * 0.2981 / 316);
}

TEST(RandomStream, StaysBelowTheUpperBoundWhereRoundingWouldReachIt) {
  RandomStream random(3, RandomPurpose::kCollectionReset, 0, 0);
  const double high = std::nextafter(1.0, 2.0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(random.Uniform(1.0, high), 1.0);
}

TEST(RandomStream, HasTheMomentsOfTheStandardNormal) {
  constexpr int kDraws = 100000;
  RandomStream random(12, RandomPurpose::kInitialisation, 0, 0);
  double moments[5] = {};
  for (int i = 0; i < kDraws; ++i) {
    const double value = random.Normal();
    double power = 1;
    for (double& moment : moments) {
      moment += power / kDraws;
      power *= value;
    }
  }
  EXPECT_NEAR(moments[1], 0, 0.016);
  EXPECT_NEAR(moments[2], 1, 0.023);
  EXPECT_NEAR(moments[3], 0, 0.062);
  EXPECT_NEAR(moments[4], 3, 0.16);
}

TEST(RandomStream, DrawsIntegersWithoutBias) {
  // Of 2^32 words, reduced to 3 × 2^30 the simple ways, one third of the results would come twice as often.
  constexpr uint32_t kN = uint32_t{3} << 30;
  constexpr int kDraws = 30000;
  RandomStream random(13, RandomPurpose::kMinibatchShuffle, 0, 0);
  int modulo[3] = {};
  int third[3] = {};
  for (int i = 0; i < kDraws; ++i) {
    const uint32_t value = random.Below(kN);
    ASSERT_LT(value, kN);
    ++modulo[value % 3];
    ++third[value >> 30];
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(modulo[i], kDraws / 3, 410);  // five standard deviations
    EXPECT_NEAR(third[i], kDraws / 3, 410);
  }
}

TEST(RandomStream, DrawsOnlyZeroBelowOne) {
  RandomStream random(14, RandomPurpose::kMinibatchShuffle, 0, 0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(random.Below(1), 0u);
}

}  // namespace
}  // namespace understudy
