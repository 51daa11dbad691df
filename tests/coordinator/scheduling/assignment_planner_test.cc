#include "coordinator/scheduling/assignment_planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "tests/coordinator/scheduling/planned_stages.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::understudy::testing::After;
using ::understudy::testing::kIncarnation;
using ::understudy::testing::kStart;
using ::understudy::testing::Stage;

constexpr StageDemand kTraining{.learners = 1, .actors = true};
constexpr StageDemand kRollouts{.learners = 0, .actors = true};

void AddActors(AssignmentPlanner& planner, int begin, int end) {
  for (int i = begin; i < end; ++i) planner.AddWorker(absl::StrCat("actor", i), Role::kActor);
}

TEST(AssignmentPlanner, EpochsBeginWithTheIncarnation) {
  AssignmentPlanner planner(kIncarnation);
  planner.AddStage(Stage("a"), kRollouts, kStart);
  EXPECT_EQ(planner.StageEpoch(Stage("a")), (int64_t{3} << 32) + 1);
}

TEST(AssignmentPlanner, AStageWithoutALearnerHasNoEpochAndGetsNoActors) {
  AssignmentPlanner planner(kIncarnation);
  AddActors(planner, 0, 2);
  planner.AddStage(Stage("a"), kTraining, kStart);
  EXPECT_THAT(planner.Plan(kStart), IsEmpty());
  EXPECT_EQ(planner.StageEpoch(Stage("a")), 0);
  EXPECT_EQ(planner.ActorsOf(Stage("a")), 0);
}

TEST(AssignmentPlanner, ALearnerBringsItsStageTheActors) {
  AssignmentPlanner planner(kIncarnation);
  AddActors(planner, 0, 2);
  planner.AddStage(Stage("a"), kTraining, kStart);
  planner.AddWorker("learner", Role::kLearner);
  const std::vector<Placement> placements = planner.Plan(kStart);
  ASSERT_THAT(placements, SizeIs(3));
  for (const Placement& placement : placements) {
    EXPECT_EQ(placement.stage, Stage("a"));
    EXPECT_EQ(placement.stage_epoch, planner.StageEpoch(Stage("a")));
    EXPECT_GT(placement.epoch, int64_t{3} << 32);
  }
  EXPECT_THAT(planner.LearnersOf(Stage("a")), ElementsAre("learner"));
  EXPECT_EQ(planner.ActorsOf(Stage("a")), 2);
}

TEST(AssignmentPlanner, SaysNothingTwice) {
  AssignmentPlanner planner(kIncarnation);
  AddActors(planner, 0, 2);
  planner.AddStage(Stage("a"), kRollouts, kStart);
  EXPECT_THAT(planner.Plan(kStart), SizeIs(2));
  EXPECT_THAT(planner.Plan(After(5)), IsEmpty());
}

TEST(AssignmentPlanner, StagesWaitForLearnersInTheOrderInWhichTheyCame) {
  AssignmentPlanner planner(kIncarnation);
  planner.AddStage(Stage("z"), kTraining, After(0));
  planner.AddStage(Stage("a"), kTraining, After(1));
  planner.AddWorker("learner", Role::kLearner);
  planner.Plan(After(2));
  EXPECT_THAT(planner.LearnersOf(Stage("z")), ElementsAre("learner"));
  EXPECT_THAT(planner.LearnersOf(Stage("a")), IsEmpty());
  planner.RemoveStage(Stage("z"), After(3));
  planner.Plan(After(3));
  EXPECT_THAT(planner.LearnersOf(Stage("a")), ElementsAre("learner"));
}

TEST(AssignmentPlanner, ALearnersDeathGivesTheStageToAnotherUnderALaterEpoch) {
  AssignmentPlanner planner(kIncarnation);
  AddActors(planner, 0, 1);
  planner.AddWorker("first", Role::kLearner);
  planner.AddStage(Stage("a"), kTraining, kStart);
  planner.Plan(kStart);
  const int64_t epoch = planner.StageEpoch(Stage("a"));

  planner.RemoveWorker("first", After(1));
  EXPECT_EQ(planner.StageEpoch(Stage("a")), 0);
  const std::vector<Placement> idle = planner.Plan(After(1));
  ASSERT_THAT(idle, SizeIs(1));
  EXPECT_EQ(idle[0].worker, "actor0");
  EXPECT_FALSE(idle[0].stage.has_value());
  EXPECT_EQ(idle[0].epoch, 0);

  planner.AddWorker("second", Role::kLearner);
  EXPECT_THAT(planner.Plan(After(2)), SizeIs(2));
  EXPECT_THAT(planner.LearnersOf(Stage("a")), ElementsAre("second"));
  EXPECT_GT(planner.StageEpoch(Stage("a")), epoch);
}

TEST(AssignmentPlanner, ActorsHearOfANewLearnerEvenIfTheyStayWithTheStage) {
  AssignmentPlanner planner(kIncarnation);
  AddActors(planner, 0, 1);
  planner.AddWorker("first", Role::kLearner);
  planner.AddWorker("second", Role::kLearner);
  planner.AddStage(Stage("a"), kTraining, kStart);
  planner.Plan(kStart);
  const std::string learner = planner.LearnersOf(Stage("a")).at(0);
  planner.RemoveWorker(learner, After(1));
  const std::vector<Placement> placements = planner.Plan(After(1));
  ASSERT_THAT(placements, SizeIs(2));
  for (const Placement& placement : placements) {
    EXPECT_EQ(placement.stage_epoch, planner.StageEpoch(Stage("a")));
    EXPECT_NE(placement.worker, learner);
  }
}

TEST(AssignmentPlanner, AStageThatWantsNoActorsGetsNone) {
  AssignmentPlanner planner(kIncarnation);
  AddActors(planner, 0, 2);
  planner.AddWorker("learner", Role::kLearner);
  planner.AddStage(Stage("a"), {.learners = 1, .actors = false}, kStart);
  planner.AddStage(Stage("b"), kRollouts, kStart);
  planner.Plan(kStart);
  EXPECT_EQ(planner.ActorsOf(Stage("a")), 0);
  EXPECT_EQ(planner.ActorsOf(Stage("b")), 2);
}

TEST(AssignmentPlanner, SharesActorsEvenlyWithTheFewestMoves) {
  AssignmentPlanner planner(kIncarnation);
  AddActors(planner, 0, 7);
  planner.AddStage(Stage("a"), kRollouts, kStart);
  EXPECT_THAT(planner.Plan(kStart), SizeIs(7));
  planner.AddStage(Stage("b"), kRollouts, kStart);
  EXPECT_THAT(planner.Plan(kStart), SizeIs(3));
  EXPECT_EQ(planner.ActorsOf(Stage("a")), 4);
  EXPECT_EQ(planner.ActorsOf(Stage("b")), 3);
  planner.AddStage(Stage("c"), kRollouts, kStart);
  EXPECT_THAT(planner.Plan(kStart), SizeIs(2));
  EXPECT_EQ(planner.ActorsOf(Stage("c")), 2);
  const int freed = planner.ActorsOf(Stage("b"));
  planner.RemoveStage(Stage("b"), kStart);
  EXPECT_THAT(planner.Plan(kStart), SizeIs(freed));
}

TEST(AssignmentPlanner, FewerActorsThanStagesTakeTurnsByTheQuantum) {
  AssignmentPlanner planner(kIncarnation);
  AddActors(planner, 0, 1);
  planner.AddStage(Stage("a"), kRollouts, After(0));
  planner.AddStage(Stage("b"), kRollouts, After(0));
  planner.Plan(After(0));
  EXPECT_EQ(planner.ActorsOf(Stage("a")), 1);
  EXPECT_EQ(planner.next_plan(), After(1));
  EXPECT_THAT(planner.Plan(After(0.999)), IsEmpty());
  EXPECT_THAT(planner.Plan(After(1)), SizeIs(1));
  EXPECT_EQ(planner.ActorsOf(Stage("b")), 1);
  EXPECT_EQ(planner.next_plan(), After(2));
  EXPECT_THAT(planner.Plan(After(2)), SizeIs(1));
  EXPECT_EQ(planner.ActorsOf(Stage("a")), 1);
}

TEST(AssignmentPlanner, EveryStageGetsItsTurnHoweverManyThereAre) {
  AssignmentPlanner planner(kIncarnation);
  AddActors(planner, 0, 3);
  constexpr int kStages = 10;
  for (int i = 0; i < kStages; ++i) planner.AddStage(Stage(absl::StrCat("s", i)), kRollouts, kStart);
  std::vector<int> turns(kStages);
  absl::Time now = kStart;
  for (int round = 0; round < 20; ++round) {
    planner.Plan(now);
    for (int i = 0; i < kStages; ++i) turns[i] += planner.ActorsOf(Stage(absl::StrCat("s", i)));
    now = planner.next_plan();
  }
  // 20 rounds of 3 actors over 10 stages: 6 turns each.
  EXPECT_THAT(turns, ::testing::Each(6));
}

TEST(AssignmentPlanner, NobodyTakesTurnsWhereThereAreEnoughActorsOrNone) {
  AssignmentPlanner planner(kIncarnation);
  planner.AddStage(Stage("a"), kRollouts, kStart);
  planner.AddStage(Stage("b"), kRollouts, kStart);
  planner.Plan(kStart);
  EXPECT_EQ(planner.next_plan(), absl::InfiniteFuture());
  AddActors(planner, 0, 2);
  planner.Plan(kStart);
  EXPECT_EQ(planner.next_plan(), absl::InfiniteFuture());
}

TEST(AssignmentPlanner, UnknownWorkersAndStagesAreFine) {
  AssignmentPlanner planner(kIncarnation);
  planner.RemoveWorker("nobody", kStart);
  planner.RemoveStage(Stage("nothing"), kStart);
  EXPECT_THAT(planner.Plan(kStart), IsEmpty());
  EXPECT_EQ(planner.StageEpoch(Stage("nothing")), 0);
}

// Whatever comes and goes: shares differ by at most one, nobody idles while there is work, epochs only grow.
TEST(AssignmentPlanner, StaysFairThroughRandomComingAndGoing) {
  std::minstd_rand random(7);
  AssignmentPlanner planner(kIncarnation);
  std::set<int> actors;
  std::set<int> stages;
  int64_t last_epoch = 0;
  const auto toggle = [&](std::set<int>& known, int number) {
    const bool added = known.insert(number).second;
    if (!added) known.erase(number);
    return added;
  };
  for (int event = 0; event < 3'000; ++event) {
    const absl::Time now = After(event * 0.1);
    const int number = static_cast<int>(random() % 12);
    if (random() % 2 == 0) {
      if (toggle(actors, number)) {
        planner.AddWorker(absl::StrCat(number), Role::kActor);
      } else {
        planner.RemoveWorker(absl::StrCat(number), now);
      }
    } else if (toggle(stages, number)) {
      planner.AddStage(Stage(absl::StrCat(number)), kRollouts, now);
    } else {
      planner.RemoveStage(Stage(absl::StrCat(number)), now);
    }
    int64_t newest = last_epoch;
    for (const Placement& placement : planner.Plan(now)) {
      EXPECT_TRUE(placement.epoch == 0 || placement.epoch > last_epoch);
      newest = std::max(newest, placement.epoch);
    }
    last_epoch = newest;
    size_t placed = 0;
    for (const int stage : stages) {
      const size_t count = planner.ActorsOf(Stage(absl::StrCat(stage)));
      EXPECT_GE(count, actors.size() / stages.size());
      EXPECT_LE(count, (actors.size() + stages.size() - 1) / stages.size());
      placed += count;
    }
    EXPECT_EQ(placed, stages.empty() ? 0 : actors.size());
  }
}

// One learner trains stage a, with one actor.
class AwayLearner : public ::testing::Test {
 protected:
  AwayLearner() {
    planner.AddWorker("first", Role::kLearner);
    planner.AddWorker("actor", Role::kActor);
    planner.AddStage(Stage("a"), kTraining, kStart);
    planner.Plan(kStart);
    epoch = planner.StageEpoch(Stage("a"));
  }
  AssignmentPlanner planner{kIncarnation};
  int64_t epoch = 0;
};

TEST_F(AwayLearner, KeepsItsStageAndTheStageItsActorsWhileNobodyElseIsThere) {
  planner.SetAway("first", After(1));
  EXPECT_THAT(planner.Plan(After(9)), IsEmpty());
  EXPECT_EQ(planner.StageEpoch(Stage("a")), epoch);
  EXPECT_EQ(planner.ActorsOf(Stage("a")), 1);
  EXPECT_EQ(planner.next_plan(), absl::InfiniteFuture());
}

TEST_F(AwayLearner, LosesItsStageToAnIdleOneAfterItsGraceAndNotBefore) {
  planner.SetAway("first", After(1));
  planner.AddWorker("second", Role::kLearner);
  EXPECT_THAT(planner.Plan(After(0.9)), IsEmpty());
  EXPECT_EQ(planner.next_plan(), After(1));
  const std::vector<Placement> placements = planner.Plan(After(1));
  EXPECT_THAT(planner.LearnersOf(Stage("a")), ElementsAre("second"));
  EXPECT_GT(planner.StageEpoch(Stage("a")), epoch);
  // All three are told: the new learner, the actor, and the old learner that it has nothing any more.
  ASSERT_THAT(placements, SizeIs(3));
  for (const Placement& placement : placements) {
    if (placement.worker == "first") {
      EXPECT_FALSE(placement.stage.has_value());
    } else {
      EXPECT_EQ(placement.stage_epoch, planner.StageEpoch(Stage("a")));
    }
  }
  EXPECT_EQ(planner.ActorsOf(Stage("a")), 1);
}

TEST_F(AwayLearner, IsSafeFromOthersOnceItIsBack) {
  planner.SetAway("first", After(1));
  planner.SetBack("first");
  planner.AddWorker("second", Role::kLearner);
  EXPECT_THAT(planner.Plan(After(5)), IsEmpty());
  EXPECT_THAT(planner.LearnersOf(Stage("a")), ElementsAre("first"));
}

TEST_F(AwayLearner, GetsNoOtherStage) {
  planner.SetAway("first", After(1));
  planner.RemoveStage(Stage("a"), After(2));
  planner.AddStage(Stage("b"), kTraining, After(2));
  planner.Plan(After(3));
  EXPECT_THAT(planner.LearnersOf(Stage("b")), IsEmpty());
  planner.SetBack("first");
  planner.Plan(After(4));
  EXPECT_THAT(planner.LearnersOf(Stage("b")), ElementsAre("first"));
}

TEST(AssignmentPlanner, ARestoredStageKeepsItsEpochUnlessAnotherTakesItOver) {
  AssignmentPlanner planner(kIncarnation);
  planner.AddWorker("earlier", Role::kLearner);
  EXPECT_TRUE(planner.RestoreStage(Stage("a"), kTraining, {"earlier"}, 77, kStart));
  planner.SetAway("earlier", After(2));
  planner.AddWorker("actor", Role::kActor);
  planner.AddWorker("other", Role::kLearner);
  EXPECT_THAT(planner.Plan(kStart), SizeIs(2));
  EXPECT_EQ(planner.StageEpoch(Stage("a")), 77);
  EXPECT_EQ(planner.ActorsOf(Stage("a")), 1);
  planner.Plan(After(2));
  EXPECT_THAT(planner.LearnersOf(Stage("a")), ElementsAre("other"));
  EXPECT_GT(planner.StageEpoch(Stage("a")), kIncarnation << 32);
}

TEST(AssignmentPlanner, ALearnerIsRestoredToOneStageAlone) {
  AssignmentPlanner planner(kIncarnation);
  planner.AddWorker("learner", Role::kLearner);
  EXPECT_TRUE(planner.RestoreStage(Stage("a"), kTraining, {"learner"}, 5, kStart));
  EXPECT_FALSE(planner.RestoreStage(Stage("b"), kTraining, {"learner"}, 6, kStart));
  EXPECT_EQ(planner.StageEpoch(Stage("b")), 0);
  planner.AddWorker("second", Role::kLearner);
  planner.Plan(kStart);
  EXPECT_THAT(planner.LearnersOf(Stage("b")), ElementsAre("second"));
}

TEST(AssignmentPlanner, AnActorThatAttachesAgainKeepsItsStage) {
  AssignmentPlanner planner(kIncarnation);
  AddActors(planner, 0, 1);
  planner.AddStage(Stage("a"), kRollouts, kStart);
  planner.Plan(kStart);
  planner.SetBack("actor0");
  EXPECT_THAT(planner.Plan(kStart), IsEmpty());
  EXPECT_TRUE(planner.HasStage("actor0"));
}

}  // namespace
}  // namespace understudy
