#include "common/config/experiment_reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy {
namespace {

using testing::HasSubstr;

TEST(ExperimentReference, ShowsKeysDefaultsAndBounds) {
  const std::string text = ExperimentReference();
  EXPECT_THAT(text, HasSubstr("  clip                     0.2            a number in (0, 1]\n"));
  EXPECT_THAT(text, HasSubstr("  hidden_sizes             [64,64]        a list, each an integer in [1, 8192]\n"));
  EXPECT_THAT(text, HasSubstr("  step_latency             0s             a length of time from 0 to 10s, like 5ms\n"));
  EXPECT_THAT(text, HasSubstr("  record                                  a list, each one of logits, value\n"));
  EXPECT_THAT(text, HasSubstr("  mean_return              required       a number in [-1e+09, 1e+09]\n"));
}

TEST(ExperimentReference, HasASectionForEachMapAndAlgorithm) {
  const std::string text = ExperimentReference();
  EXPECT_THAT(text, HasSubstr("\nstages[], one of these\n"));
  EXPECT_THAT(text, HasSubstr("\nstages[].collect\n"));
  EXPECT_THAT(text, HasSubstr("\nstages[].train.network\n"));
  EXPECT_THAT(text, HasSubstr("\nstages[].train, besides, with algorithm: bc\n"));
  EXPECT_THAT(text, HasSubstr("\nenvironment: CartPole-v0, CartPole-v1\n"));
  EXPECT_THAT(text, HasSubstr("\nstop.interval by default: bc 10 ppo 5\n"));
}

}  // namespace
}  // namespace understudy
