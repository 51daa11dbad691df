#include "common/rpc/backoff.h"

#include <gtest/gtest.h>

#include <vector>

namespace understudy {
namespace {

TEST(Backoff, DoublesUpToItsLongestAndStaysWithinHalfOfIt) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    Backoff backoff(absl::Milliseconds(50), absl::Milliseconds(300), seed);
    for (const int most_ms : {50, 100, 200, 300, 300, 300}) {
      const absl::Duration wait = backoff.Next();
      EXPECT_GE(wait, absl::Milliseconds(most_ms) / 2);
      EXPECT_LE(wait, absl::Milliseconds(most_ms));
    }
  }
}

TEST(Backoff, BeginsAgainAfterASuccess) {
  Backoff backoff(absl::Milliseconds(10), absl::Seconds(10), 1);
  for (int i = 0; i < 8; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_LE(backoff.Next(), absl::Milliseconds(10));
}

TEST(Backoff, DiffersFromSeedToSeed) {
  Backoff one(absl::Seconds(1), absl::Seconds(1), 1);
  Backoff other(absl::Seconds(1), absl::Seconds(1), 2);
  EXPECT_NE(one.Next(), other.Next());
}

}  // namespace
}  // namespace understudy
