// The planner while workers and stages come and go at random: what everybody is told must fit together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/scheduling/assignment_planner.h"
#include "tests/coordinator/scheduling/planned_stages.h"

namespace understudy {
namespace {

using ::testing::SizeIs;
using ::understudy::testing::kIncarnation;
using ::understudy::testing::kStart;
using ::understudy::testing::Learners;
using ::understudy::testing::Stage;

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
