#include "coordinator/scheduling/learner_grants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

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

absl::Time At(double seconds) { return absl::UnixEpoch() + absl::Seconds(seconds); }

// Learners "a", "b" …
void AddLearners(LearnerGrants& grants, int count) {
  for (int i = 0; i < count; ++i) grants.AddLearner(std::string(1, static_cast<char>('a' + i)));
}

TEST(LearnerGrants, GrantsAStageAllItsLearnersAtOnce) {
  LearnerGrants grants;
  AddLearners(grants, 1);
  grants.AddStage(Stage("two"), 2);
  EXPECT_THAT(grants.Grant(At(0)), IsEmpty());
  grants.AddLearner("b");
  EXPECT_THAT(grants.Grant(At(1)), ElementsAre(Stage("two")));
  EXPECT_THAT(grants.LearnersOf(Stage("two")), ElementsAre("a", "b"));
  EXPECT_EQ(*grants.StageOf("b"), Stage("two"));
  EXPECT_EQ(grants.RankOf("b"), 1);
  EXPECT_THAT(grants.Grant(At(2)), IsEmpty());
}

TEST(LearnerGrants, AStageThatLosesALearnerWaitsAndGetsTheOthersBackFirst) {
  LearnerGrants grants;
  AddLearners(grants, 2);
  grants.AddStage(Stage("two"), 2);
  grants.Grant(At(0));
  EXPECT_EQ(grants.RemoveLearner("a"), Stage("two"));
  EXPECT_THAT(grants.LearnersOf(Stage("two")), IsEmpty());
  EXPECT_EQ(grants.StageOf("b"), nullptr);
  grants.AddLearner("0");
  grants.Grant(At(1));
  EXPECT_THAT(grants.LearnersOf(Stage("two")), ElementsAre("0", "b"));
}

TEST(LearnerGrants, ALearnerThatIsAwayKeepsItsStageUntilAnIdleOneMayTakeItsPlace) {
  LearnerGrants grants;
  AddLearners(grants, 1);
  grants.AddStage(Stage("one"), 1);
  grants.Grant(At(0));
  grants.SetAway("a", At(5));
  EXPECT_EQ(grants.next_takeover(), absl::InfiniteFuture());
  grants.AddLearner("b");
  EXPECT_EQ(grants.next_takeover(), At(5));
  EXPECT_THAT(grants.Grant(At(4.9)), IsEmpty());
  grants.TakeChangedLearners();
  EXPECT_THAT(grants.Grant(At(5)), ElementsAre(Stage("one")));
  EXPECT_THAT(grants.LearnersOf(Stage("one")), ElementsAre("b"));
  const LearnerGrants::ChangedLearners changed = grants.TakeChangedLearners();
  EXPECT_THAT(changed.all, ElementsAre("a", "b"));
  EXPECT_THAT(changed.lost_while_away, ElementsAre("a"));
  EXPECT_EQ(grants.usable(), 1);
}

TEST(LearnerGrants, OneThatIsBackInTimeCannotBeReplaced) {
  LearnerGrants grants;
  AddLearners(grants, 1);
  grants.AddStage(Stage("one"), 1);
  grants.Grant(At(0));
  grants.SetAway("a", At(5));
  grants.AddLearner("b");
  grants.SetBack("a");
  EXPECT_EQ(grants.next_takeover(), absl::InfiniteFuture());
  EXPECT_THAT(grants.Grant(At(9)), IsEmpty());
  EXPECT_THAT(grants.LearnersOf(Stage("one")), ElementsAre("a"));
}

TEST(LearnerGrants, RestoresAStageOnlyWithLearnersThatHaveNoOther) {
  LearnerGrants grants;
  AddLearners(grants, 2);
  EXPECT_FALSE(grants.RestoreStage(Stage("twice"), {"a", "a"}));
  EXPECT_TRUE(grants.RestoreStage(Stage("one"), {"a"}));
  EXPECT_FALSE(grants.RestoreStage(Stage("two"), {"b", "a"}));
  EXPECT_EQ(grants.StageOf("b"), nullptr);
  EXPECT_THAT(grants.LearnersOf(Stage("one")), ElementsAre("a"));
}

}  // namespace
}  // namespace understudy
