#include "coordinator/scheduling/learner_grants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

StageId Stage(const std::string& experiment) { return {.experiment = experiment, .stage = 0}; }

LearnerQueue::Wait Wait(const std::string& experiment, int64_t order) {
  return {.ticket = order, .stage = Stage(experiment)};
}

TEST(LearnerQueue, ServesTheOneThatWaitsLongestWhateverItNeeds) {
  LearnerQueue queue;
  EXPECT_EQ(queue.Next(9, 9), std::nullopt);
  queue.Insert(1, Wait("later", 7));
  queue.Insert(4, Wait("longest", 3));
  queue.Insert(2, Wait("between", 5));
  EXPECT_EQ(queue.Next(9, 9), Stage("longest"));
  queue.Erase(4, Wait("longest", 3));
  EXPECT_EQ(queue.Next(9, 9), Stage("between"));
  queue.Erase(2, Wait("between", 5));
  EXPECT_EQ(queue.Next(9, 9), Stage("later"));
}

TEST(LearnerQueue, NobodyOvertakesAStageForWhichTooFewAreIdle) {
  LearnerQueue queue;
  queue.Insert(3, Wait("large", 1));
  queue.Insert(1, Wait("small", 2));
  EXPECT_EQ(queue.Next(2, 3), std::nullopt);
  EXPECT_EQ(queue.Next(3, 3), Stage("large"));
}

TEST(LearnerQueue, PassesOverAStageThatNeedsMoreThanThereAre) {
  LearnerQueue queue;
  queue.Insert(3, Wait("large", 1));
  queue.Insert(1, Wait("small", 2));
  EXPECT_EQ(queue.Next(1, 2), Stage("small"));
  EXPECT_EQ(queue.Next(0, 2), std::nullopt);
}

TEST(LearnerQueue, KnowsWhoNeedsMore) {
  LearnerQueue queue;
  queue.Insert(3, Wait("a", 1));
  queue.Insert(3, Wait("b", 2));
  queue.Insert(2, Wait("c", 3));
  EXPECT_THAT(queue.NeedingMoreThan(2), ElementsAre(Stage("a"), Stage("b")));
  queue.Erase(3, Wait("a", 1));
  queue.Erase(3, Wait("unknown", 1));
  EXPECT_THAT(queue.NeedingMoreThan(2), ElementsAre(Stage("b")));
  EXPECT_THAT(queue.NeedingMoreThan(3), IsEmpty());
}

}  // namespace
}  // namespace understudy
