#include "common/random/rollout_streams.h"

#include <gtest/gtest.h>

#include <set>
#include <tuple>
#include <utility>

namespace understudy {
namespace {

v1::RolloutRequest Request(v1::RolloutPurpose purpose) {
  v1::RolloutRequest request;
  request.set_seed(7);
  request.set_purpose(purpose);
  return request;
}

TEST(RolloutStreams, DrawsForEachPurposeWhatRecordedResultsWereMadeOf) {
  const std::tuple<v1::RolloutPurpose, RandomPurpose, RandomPurpose> rows[] = {
      {v1::ROLLOUT_PURPOSE_COLLECTION, RandomPurpose{1}, RandomPurpose{2}},
      {v1::ROLLOUT_PURPOSE_TRAINING, RandomPurpose{3}, RandomPurpose{4}},
      {v1::ROLLOUT_PURPOSE_STOP_RULE, RandomPurpose{9}, RandomPurpose{10}},
      {v1::ROLLOUT_PURPOSE_EVALUATION, RandomPurpose{11}, RandomPurpose{12}},
  };
  for (const auto& [purpose, reset, action] : rows) {
    EXPECT_EQ(ResetStream(Request(purpose), 5, 3)(), RandomStream(7, reset, 5, 3)()) << purpose;
    EXPECT_EQ(ActionStream(Request(purpose), 5, 3)(), RandomStream(7, action, 5, 3)()) << purpose;
  }
}

TEST(RolloutStreams, NoTwoPurposesShareANumber) {
  std::set<std::pair<uint32_t, uint32_t>> draws;
  size_t count = 0;
  const auto add = [&](RandomStream random) {
    draws.emplace(random(), random());
    ++count;
  };
  for (int purpose = v1::ROLLOUT_PURPOSE_TRAINING; purpose <= v1::RolloutPurpose_MAX; ++purpose) {
    const v1::RolloutRequest request = Request(static_cast<v1::RolloutPurpose>(purpose));
    for (int64_t number = 0; number < 100; ++number) {
      add(ResetStream(request, number, 0));
      for (int64_t step = 0; step < 10; ++step) add(ActionStream(request, number, step));
    }
  }
  EXPECT_EQ(draws.size(), count);
}

}  // namespace
}  // namespace understudy
