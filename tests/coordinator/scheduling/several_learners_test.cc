// The planner where stages have several learners.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/scheduling/assignment_planner.h"
#include "tests/coordinator/scheduling/planned_stages.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;
using ::understudy::testing::AddLearners;
using ::understudy::testing::After;
using ::understudy::testing::kIncarnation;
using ::understudy::testing::kStart;
using ::understudy::testing::Learners;
using ::understudy::testing::PlacementOf;
using ::understudy::testing::Stage;
using ::understudy::testing::WorkersOf;

TEST(SeveralLearners, BeginTogetherByRankUnderOneEpoch) {
  AssignmentPlanner planner(kIncarnation);
  planner.AddStage(Stage("a"), Learners(3), kStart);
  AddLearners(planner, {"l1", "l2"});
  EXPECT_THAT(planner.Plan(kStart), IsEmpty());
  EXPECT_EQ(planner.StageEpoch(Stage("a")), 0);
  AddLearners(planner, {"l0"});
  const std::vector<Placement> placements = planner.Plan(kStart);
  EXPECT_THAT(planner.LearnersOf(Stage("a")), ElementsAre("l0", "l1", "l2"));
  ASSERT_THAT(placements, SizeIs(3));
  for (int rank = 0; rank < 3; ++rank) {
    const Placement placement = PlacementOf(placements, absl::StrCat("l", rank));
    EXPECT_THAT(placement.ranks, ElementsAre(rank));
    EXPECT_EQ(placement.stage_epoch, planner.StageEpoch(Stage("a")));
  }
}

TEST(SeveralLearners, AllActorsAreRank0sWhereItAloneHasAny) {
  AssignmentPlanner planner(kIncarnation);
  planner.AddStage(Stage("a"), {.learners = 3, .actors = true, .first_rank_alone = true}, kStart);
  AddLearners(planner, {"l0", "l1", "l2"});
  for (const char* const actor : {"a0", "a1", "a2", "a3"}) planner.AddWorker(actor, Role::kActor);
  const std::vector<Placement> placements = planner.Plan(kStart);
  for (const char* const actor : {"a0", "a1", "a2", "a3"}) {
    EXPECT_THAT(PlacementOf(placements, actor).ranks, ElementsAre(0));
  }
}

TEST(SeveralLearners, AStageThatNeedsManyIsNotOvertakenByThoseThatNeedFew) {
  AssignmentPlanner planner(kIncarnation);
  AddLearners(planner, {"l0", "l1"});
  planner.AddStage(Stage("first"), Learners(1), After(0));
  planner.Plan(After(0));
  planner.AddStage(Stage("large"), Learners(2), After(1));
  planner.AddStage(Stage("small"), Learners(1), After(2));
  planner.Plan(After(2));
  EXPECT_THAT(planner.LearnersOf(Stage("small")), IsEmpty());
  planner.RemoveStage(Stage("first"), After(3));
  planner.Plan(After(3));
  EXPECT_THAT(planner.LearnersOf(Stage("large")), SizeIs(2));
  EXPECT_THAT(planner.LearnersOf(Stage("small")), IsEmpty());
}

TEST(SeveralLearners, AStageThatNeedsMoreThanThereAreKeepsNobodyWaiting) {
  AssignmentPlanner planner(kIncarnation);
  AddLearners(planner, {"l0", "l1"});
  planner.AddStage(Stage("large"), Learners(3), After(0));
  planner.AddStage(Stage("small"), Learners(1), After(1));
  planner.Plan(After(1));
  EXPECT_THAT(planner.LearnersOf(Stage("small")), SizeIs(1));
  AddLearners(planner, {"l2"});
  planner.AddStage(Stage("later"), Learners(1), After(2));
  planner.Plan(After(2));
  // Now there are enough, but for the one that is busy.
  EXPECT_THAT(planner.LearnersOf(Stage("later")), IsEmpty());
  planner.RemoveStage(Stage("small"), After(3));
  planner.Plan(After(3));
  EXPECT_THAT(planner.LearnersOf(Stage("large")), SizeIs(3));
}

// Two learners train stage a, with an actor each.
class TwoLearners : public ::testing::Test {
 protected:
  TwoLearners() {
    AddLearners(planner, {"l0", "l1"});
    for (const char* actor : {"x", "y"}) planner.AddWorker(actor, Role::kActor);
    planner.AddStage(Stage("a"), Learners(2), kStart);
    first = planner.Plan(kStart);
    epoch = planner.StageEpoch(Stage("a"));
  }
  AssignmentPlanner planner{kIncarnation};
  std::vector<Placement> first;
  int64_t epoch = 0;
};

TEST_F(TwoLearners, HaveAnActorEach) {
  EXPECT_THAT(PlacementOf(first, "x").ranks, ElementsAre(0));
  EXPECT_THAT(PlacementOf(first, "y").ranks, ElementsAre(1));
}

TEST_F(TwoLearners, ShareTheActorThatIsLeftWhichAloneIsTold) {
  planner.RemoveWorker("x", After(1));
  const std::vector<Placement> placements = planner.Plan(After(1));
  EXPECT_THAT(WorkersOf(placements), ElementsAre("y"));
  EXPECT_THAT(PlacementOf(placements, "y").ranks, ElementsAre(0, 1));
  EXPECT_EQ(PlacementOf(placements, "y").stage_epoch, epoch);
  planner.AddWorker("z", Role::kActor);
  const std::vector<Placement> again = planner.Plan(After(2));
  EXPECT_THAT(WorkersOf(again), UnorderedElementsAre("y", "z"));
}

TEST_F(TwoLearners, AnActorThatComesDisturbsNobody) {
  planner.AddWorker("w", Role::kActor);
  EXPECT_THAT(WorkersOf(planner.Plan(After(1))), ElementsAre("w"));
}

TEST_F(TwoLearners, AreFreeWhereOneDiesAndTheOtherMayHaveOtherWork) {
  planner.RemoveWorker("l0", After(1));
  planner.AddStage(Stage("small"), Learners(1), After(1));
  planner.Plan(After(1));
  EXPECT_EQ(planner.StageEpoch(Stage("a")), 0);
  EXPECT_THAT(planner.LearnersOf(Stage("small")), ElementsAre("l1"));
  EXPECT_EQ(planner.ActorsOf(Stage("a")), 0);
}

TEST_F(TwoLearners, GoOnAtOnceWithAnIdleOneWhereOneDies) {
  AddLearners(planner, {"b", "c"});
  planner.RemoveWorker("l0", After(1));
  const std::vector<Placement> placements = planner.Plan(After(1));
  EXPECT_THAT(planner.LearnersOf(Stage("a")), ElementsAre("b", "l1"));
  EXPECT_GT(planner.StageEpoch(Stage("a")), epoch);
  EXPECT_THAT(WorkersOf(placements), UnorderedElementsAre("b", "l1", "x", "y"));
  for (const Placement& placement : placements) {
    EXPECT_EQ(placement.stage_epoch, planner.StageEpoch(Stage("a")));
  }
  EXPECT_THAT(PlacementOf(placements, "l1").ranks, ElementsAre(1));
}

TEST_F(TwoLearners, HaveTheirRanksAgainWhereALaterOneCompletesThem) {
  planner.RemoveWorker("l0", After(1));
  EXPECT_THAT(WorkersOf(planner.Plan(After(1))), UnorderedElementsAre("l1", "x", "y"));
  AddLearners(planner, {"z"});
  planner.Plan(After(2));
  EXPECT_THAT(planner.LearnersOf(Stage("a")), ElementsAre("z", "l1"));
}

TEST_F(TwoLearners, TheOneThatIsAwayIsReplacedAndTheOtherKeepsItsRank) {
  planner.SetAway("l0", After(1));
  EXPECT_THAT(planner.Plan(After(5)), IsEmpty());
  AddLearners(planner, {"b"});
  const std::vector<Placement> placements = planner.Plan(After(5));
  EXPECT_THAT(planner.LearnersOf(Stage("a")), ElementsAre("b", "l1"));
  EXPECT_GT(planner.StageEpoch(Stage("a")), epoch);
  EXPECT_THAT(WorkersOf(placements), UnorderedElementsAre("b", "l0", "l1", "x", "y"));
  EXPECT_FALSE(PlacementOf(placements, "l0").stage.has_value());
  EXPECT_THAT(PlacementOf(placements, "l1").ranks, ElementsAre(1));
  EXPECT_EQ(PlacementOf(placements, "y").stage_epoch, planner.StageEpoch(Stage("a")));
}

TEST_F(TwoLearners, BothMayBeReplacedAtOnce) {
  planner.SetAway("l0", After(1));
  planner.SetAway("l1", After(1));
  AddLearners(planner, {"b", "c"});
  planner.Plan(After(1));
  EXPECT_THAT(planner.LearnersOf(Stage("a")), UnorderedElementsAre("b", "c"));
  EXPECT_EQ(planner.next_plan(), absl::InfiniteFuture());
}

TEST_F(TwoLearners, AStageThatWasKeptWaitingByOneThatIsReplacedGoesOn) {
  planner.SetAway("l0", After(9));
  AddLearners(planner, {"b", "c"});
  planner.AddStage(Stage("large"), Learners(4), After(1));
  planner.AddStage(Stage("small"), Learners(1), After(2));
  planner.Plan(After(2));
  EXPECT_THAT(planner.LearnersOf(Stage("small")), IsEmpty());
  EXPECT_EQ(planner.next_plan(), After(9));
  planner.Plan(After(9));
  EXPECT_THAT(planner.LearnersOf(Stage("small")), SizeIs(1));
}

TEST_F(TwoLearners, AreFreeOnceTheirStageIsGoneButForTheOneThatIsAway) {
  planner.SetAway("l0", After(1));
  planner.RemoveStage(Stage("a"), After(2));
  planner.AddStage(Stage("b"), Learners(1), After(2));
  const std::vector<Placement> placements = planner.Plan(After(2));
  EXPECT_THAT(planner.LearnersOf(Stage("b")), ElementsAre("l1"));
  EXPECT_FALSE(PlacementOf(placements, "l0").stage.has_value());
  planner.SetBack("l0");
  planner.AddStage(Stage("c"), Learners(1), After(3));
  planner.Plan(After(3));
  EXPECT_THAT(planner.LearnersOf(Stage("c")), ElementsAre("l0"));
}

TEST_F(TwoLearners, TheOneThatIsAwayHearsThatAllAreFreeWhereTheOtherDies) {
  planner.SetAway("l0", After(9));
  planner.RemoveWorker("l1", After(1));
  const std::vector<Placement> placements = planner.Plan(After(1));
  EXPECT_FALSE(PlacementOf(placements, "l0").stage.has_value());
  EXPECT_EQ(planner.learners(), 0);
}

TEST(SeveralLearners, AreRestoredWithTheirRanksAndTheirEpoch) {
  AssignmentPlanner planner(kIncarnation);
  AddLearners(planner, {"l0", "l1"});
  EXPECT_TRUE(planner.RestoreStage(Stage("a"), Learners(2), {"l1", "l0"}, 77, kStart));
  planner.AddWorker("x", Role::kActor);
  const std::vector<Placement> placements = planner.Plan(kStart);
  EXPECT_EQ(planner.StageEpoch(Stage("a")), 77);
  EXPECT_THAT(PlacementOf(placements, "l1").ranks, ElementsAre(0));
  EXPECT_THAT(PlacementOf(placements, "l0").ranks, ElementsAre(1));
  EXPECT_THAT(PlacementOf(placements, "x").ranks, ElementsAre(0, 1));
}

TEST(SeveralLearners, TheOneThatIsAwayHearsThatItHasLostAStageOfWhichNobodyHasToldIt) {
  AssignmentPlanner planner(kIncarnation);
  AddLearners(planner, {"l0", "l1"});
  planner.RestoreStage(Stage("a"), Learners(2), {"l0", "l1"}, 77, kStart);
  planner.SetAway("l0", After(1));
  planner.RemoveStage(Stage("a"), kStart);
  EXPECT_THAT(WorkersOf(planner.Plan(kStart)), ElementsAre("l0"));
}

TEST(SeveralLearners, OneThatWasAwayBeforeItsStageWasRestoredMayBeReplaced) {
  AssignmentPlanner planner(kIncarnation);
  AddLearners(planner, {"l0", "l1"});
  planner.SetAway("l0", After(1));
  planner.RestoreStage(Stage("a"), Learners(2), {"l0", "l1"}, 77, kStart);
  AddLearners(planner, {"l2"});
  planner.Plan(After(1));
  EXPECT_THAT(planner.LearnersOf(Stage("a")), ElementsAre("l2", "l1"));
}

TEST(SeveralLearners, AreNotRestoredWhereOneHasAnotherStageOrTwoRanks) {
  AssignmentPlanner planner(kIncarnation);
  AddLearners(planner, {"l0", "l1", "l2"});
  EXPECT_TRUE(planner.RestoreStage(Stage("a"), Learners(1), {"l0"}, 5, kStart));
  EXPECT_FALSE(planner.RestoreStage(Stage("b"), Learners(2), {"l1", "l0"}, 6, kStart));
  EXPECT_FALSE(planner.RestoreStage(Stage("c"), Learners(2), {"l1", "l1"}, 7, kStart));
  EXPECT_EQ(planner.StageEpoch(Stage("b")), 0);
  planner.Plan(kStart);
  EXPECT_THAT(planner.LearnersOf(Stage("b")), ElementsAre("l1", "l2"));
  EXPECT_THAT(planner.LearnersOf(Stage("c")), IsEmpty());
}

TEST(SeveralLearners, StagesThatWaitForMoreThanThereAreChangeWithTheirNumber) {
  AssignmentPlanner planner(kIncarnation);
  planner.AddStage(Stage("one"), Learners(1), kStart);
  planner.AddStage(Stage("three"), Learners(3), kStart);
  planner.Plan(kStart);
  planner.TakeChangedStages();
  AddLearners(planner, {"l0"});
  planner.Plan(kStart);
  EXPECT_THAT(planner.TakeChangedStages(), UnorderedElementsAre(Stage("one"), Stage("three")));
  AddLearners(planner, {"l1"});
  planner.Plan(kStart);
  EXPECT_THAT(planner.TakeChangedStages(), UnorderedElementsAre(Stage("three")));
  planner.Plan(kStart);
  EXPECT_THAT(planner.TakeChangedStages(), IsEmpty());
}

}  // namespace
}  // namespace understudy
