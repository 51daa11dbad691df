// The planner where stages have several learners.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "coordinator/scheduling/assignment_planner.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);
constexpr int64_t kIncarnation = 3;

absl::Time After(double seconds) { return kStart + absl::Seconds(seconds); }

StageId Stage(const std::string& experiment) { return {.experiment = experiment, .stage = 0}; }

StageDemand Learners(int learners) { return {.learners = learners, .actors = true}; }

void AddLearners(AssignmentPlanner& planner, const std::vector<std::string>& learners) {
  for (const std::string& learner : learners) planner.AddWorker(learner, Role::kLearner);
}

std::vector<std::string> WorkersOf(const std::vector<Placement>& placements) {
  std::vector<std::string> workers;
  for (const Placement& placement : placements) workers.push_back(placement.worker);
  return workers;
}

Placement PlacementOf(const std::vector<Placement>& placements, const std::string& worker) {
  for (const Placement& placement : placements) {
    if (placement.worker == worker) return placement;
  }
  ADD_FAILURE() << worker << " is told nothing";
  return {};
}

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
  EXPECT_EQ(planner.next_wake(), absl::InfiniteFuture());
}

TEST_F(TwoLearners, AStageThatWasKeptWaitingByOneThatIsReplacedGoesOn) {
  planner.SetAway("l0", After(9));
  AddLearners(planner, {"b", "c"});
  planner.AddStage(Stage("large"), Learners(4), After(1));
  planner.AddStage(Stage("small"), Learners(1), After(2));
  planner.Plan(After(2));
  EXPECT_THAT(planner.LearnersOf(Stage("small")), IsEmpty());
  EXPECT_EQ(planner.next_wake(), After(9));
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

// What everybody was told last, and what must hold of it, whatever comes and goes.
class Crowd {
 public:
  explicit Crowd(unsigned seed) : random_(seed) {}

  void Step(int event) {
    now_ = kStart + absl::Milliseconds(100 * event);
    const std::string number = absl::StrCat(Random(14));
    switch (Random(8)) {
      case 0:
      case 1:
        Toggle(absl::StrCat("actor", number), Role::kActor);
        break;
      case 2:
      case 3:
        Toggle(absl::StrCat("learner", number), Role::kLearner);
        break;
      case 4:
        ToggleStage(number);
        break;
      default:
        ToggleAway(absl::StrCat("learner", number));
    }
    if (Random(3) == 0) return;  // several events before a Plan
    Hear(planner_.Plan(now_));
    Check();
  }

  int granted() const { return granted_; }

 private:
  int Random(int below) { return static_cast<int>(random_() % below); }

  void Toggle(const std::string& worker, Role role) {
    if (told_.contains(worker)) {
      planner_.RemoveWorker(worker, now_);
      told_.erase(worker);
      away_.erase(worker);
    } else {
      planner_.AddWorker(worker, role);
      told_[worker] = {};
    }
  }

  void ToggleStage(const std::string& name) {
    if (stages_.contains(name)) {
      planner_.RemoveStage(Stage(name), now_);
      stages_.erase(name);
    } else {
      stages_[name] = Random(5);
      planner_.AddStage(Stage(name), Learners(stages_[name]), now_);
    }
  }

  void ToggleAway(const std::string& learner) {
    if (!told_.contains(learner)) return;
    if (away_.erase(learner) > 0) {
      planner_.SetBack(learner);
    } else {
      away_.insert(learner);
      planner_.SetAway(learner, now_ + absl::Milliseconds(500));
    }
  }

  void Hear(const std::vector<Placement>& placements) {
    for (const Placement& placement : placements) {
      ASSERT_TRUE(told_.contains(placement.worker)) << placement.worker;
      EXPECT_EQ(placement.epoch == 0, !placement.stage.has_value());
      EXPECT_TRUE(placement.epoch == 0 || placement.epoch > newest_);
      told_[placement.worker] = placement;
    }
    for (const Placement& placement : placements) newest_ = std::max(newest_, placement.epoch);
  }

  void Check() {
    std::map<StageId, std::vector<int>> actors_of;  // by rank
    std::map<StageId, int> workers_of;
    std::set<std::string> idle_learners;
    for (const auto& [worker, told] : told_) {
      const bool learner = worker.starts_with("learner");
      if (!told.stage) {
        if (learner && !away_.contains(worker)) idle_learners.insert(worker);
        EXPECT_TRUE(told.ranks.empty());
        continue;
      }
      ASSERT_TRUE(stages_.contains(told.stage->experiment)) << worker;
      const int needed = stages_[told.stage->experiment];
      EXPECT_EQ(told.stage_epoch, planner_.StageEpoch(*told.stage)) << worker;
      if (learner) {
        ASSERT_THAT(told.ranks, SizeIs(1));
        EXPECT_EQ(planner_.LearnersOf(*told.stage).at(told.ranks[0]), worker);
        continue;
      }
      ++workers_of[*told.stage];
      EXPECT_EQ(told.ranks.empty(), needed == 0);
      actors_of[*told.stage].resize(needed);
      for (const int rank : told.ranks) ++actors_of[*told.stage].at(rank);
    }
    std::set<std::string> busy;
    int all = static_cast<int>(idle_learners.size());
    for (const auto& [name, needed] : stages_) {
      const StageId id = Stage(name);
      const std::vector<std::string> learners = planner_.LearnersOf(id);
      EXPECT_TRUE(learners.empty() || learners.size() == static_cast<size_t>(needed));
      EXPECT_EQ(planner_.StageEpoch(id) == 0, needed > 0 && learners.empty());
      for (const std::string& learner : learners) {
        EXPECT_TRUE(busy.insert(learner).second) << learner << " has two stages";
        EXPECT_EQ(told_[learner].stage, id) << learner;
      }
      all += static_cast<int>(learners.size());
      granted_ += needed > 1 && !learners.empty();
      EXPECT_EQ(planner_.ActorsOf(id), workers_of[id]);
      EXPECT_TRUE(needed == 0 || !learners.empty() || workers_of[id] == 0);
      if (needed == 0 || workers_of[id] == 0) continue;
      const auto [low, high] = std::minmax_element(actors_of[id].begin(), actors_of[id].end());
      EXPECT_GE(*low, 1);
      EXPECT_LE(*high, *low + 1);
    }
    EXPECT_EQ(planner_.learners(), all);
    // Nobody waits but for one that has too few, or behind such a one.
    int fewest = 1'000;
    bool blocked = false;
    for (const auto& [name, needed] : stages_) {
      if (planner_.StageEpoch(Stage(name)) != 0) continue;
      fewest = std::min(fewest, needed);
      blocked |= needed <= all && needed > static_cast<int>(idle_learners.size());
    }
    EXPECT_TRUE(blocked || fewest > static_cast<int>(idle_learners.size()));
  }

  std::minstd_rand random_;
  AssignmentPlanner planner_{kIncarnation};
  absl::Time now_ = kStart;
  std::map<std::string, Placement> told_;
  std::map<std::string, int> stages_;  // the learners that they need
  std::set<std::string> away_;
  int64_t newest_ = 0;
  int granted_ = 0;
};

class RandomCrowd : public ::testing::TestWithParam<int> {};

TEST_P(RandomCrowd, IsToldWhatFitsTogether) {
  Crowd crowd(GetParam());
  for (int event = 0; event < 4'000 && !::testing::Test::HasFailure(); ++event) crowd.Step(event);
  EXPECT_GT(crowd.granted(), 1'000);
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomCrowd, ::testing::Range(1, 6), ::testing::PrintToStringParamName());

}  // namespace
}  // namespace understudy
