// A stage that several learners train together.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/workforce.h"
#include "tests/coordinator/fake_workers.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using ::understudy::testing::AddressOf;
using ::understudy::testing::After;
using ::understudy::testing::Attach;
using ::understudy::testing::FakeLink;
using ::understudy::testing::kStart;
using ::understudy::testing::Settle;
using ::understudy::testing::Stage;
using ::understudy::testing::WorkFor;

// Two learners train stage e, each with an actor.
class TwoLearners : public ::testing::Test {
 protected:
  TwoLearners() {
    for (const char* id : {"a", "b"}) {
      learners[id] = Attach(workforce, id, v1::WORKER_KIND_LEARNER, kStart);
      actors.push_back(Attach(workforce, absl::StrCat("actor-", id), v1::WORKER_KIND_ACTOR, kStart));
    }
    workforce.AddTraining(Stage("e"), WorkFor(2), true, kStart);
    Settle(workforce, kStart);
    epoch = workforce.StageEpoch(Stage("e"));
  }
  const v1::LearnerWork& WorkOf(const std::string& id) { return learners[id]->sent.back().learner(); }
  void Beat(const std::string& id, v1::WorkerHeartbeat heartbeat, absl::Time now) {
    heartbeat.set_epoch(learners[id]->sent.back().epoch());
    workforce.Heartbeat(id, *learners[id], heartbeat, now);
  }

  Workforce workforce{1};
  std::map<std::string, std::shared_ptr<FakeLink>> learners;
  std::vector<std::shared_ptr<FakeLink>> actors;
  int64_t epoch = 0;
};

TEST_F(TwoLearners, AreToldTheirRanksAndWhereTheyMeet) {
  EXPECT_EQ(WorkOf("a").rank(), 0);
  EXPECT_EQ(WorkOf("b").rank(), 1);
  for (const char* id : {"a", "b"}) {
    EXPECT_EQ(WorkOf(id).first_address(), AddressOf("a"));
    EXPECT_EQ(WorkOf(id).stage().epoch(), epoch);
  }
  const v1::StageGrant grant = workforce.GrantOf(Stage("e"));
  ASSERT_THAT(grant.learners(), SizeIs(2));
  EXPECT_EQ(grant.learners(1).worker_id(), "b");
  EXPECT_EQ(grant.learners(1).rollouts_address(), AddressOf("b"));
}

TEST_F(TwoLearners, HaveAnActorEachAndShareTheOnlyOne) {
  EXPECT_THAT(actors[0]->sent.back().actor().rollouts_addresses(), ElementsAre(AddressOf("a")));
  EXPECT_THAT(actors[1]->sent.back().actor().rollouts_addresses(), ElementsAre(AddressOf("b")));
  workforce.Detach("actor-a", *actors[0], false, After(1));
  Settle(workforce, After(1));
  EXPECT_THAT(actors[1]->sent.back().actor().rollouts_addresses(), ElementsAre(AddressOf("a"), AddressOf("b")));
  EXPECT_EQ(actors[1]->sent.back().actor().stage().epoch(), epoch);
}

TEST_F(TwoLearners, GoOnUnderAnotherEpochWithTheOneThatTakesOver) {
  learners["c"] = Attach(workforce, "c", v1::WORKER_KIND_LEARNER, After(1));
  workforce.Detach("a", *learners["a"], false, After(1));
  Settle(workforce, After(1.6));
  EXPECT_GT(workforce.StageEpoch(Stage("e")), epoch);
  EXPECT_EQ(WorkOf("c").rank(), 0);
  EXPECT_EQ(WorkOf("b").rank(), 1);
  for (const char* id : {"b", "c"}) {
    EXPECT_EQ(WorkOf(id).first_address(), AddressOf("c"));
    EXPECT_EQ(WorkOf(id).stage().epoch(), workforce.StageEpoch(Stage("e")));
  }
  EXPECT_THAT(actors[0]->sent.back().actor().rollouts_addresses(), ElementsAre(AddressOf("c")));
  EXPECT_THAT(actors[1]->sent.back().actor().rollouts_addresses(), ElementsAre(AddressOf("b")));
  EXPECT_EQ(actors[1]->sent.back().actor().stage().epoch(), workforce.StageEpoch(Stage("e")));
}

TEST_F(TwoLearners, AreBothFreeWhereOneSaysGoodbye) {
  workforce.Detach("a", *learners["a"], true, After(1));
  Settle(workforce, After(1));
  EXPECT_EQ(workforce.StageEpoch(Stage("e")), 0);
  EXPECT_FALSE(learners["b"]->sent.back().has_learner());
  EXPECT_FALSE(actors[0]->sent.back().has_actor());
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "2 learners: 1 is attached");
}

TEST_F(TwoLearners, AreGoneWithTheOneWhoseLeaseEndsWhereTheOtherIsAwayToo) {
  workforce.Detach("a", *learners["a"], false, After(1));
  workforce.Detach("b", *learners["b"], false, After(2));
  for (const auto& actor : actors) EXPECT_TRUE(actor->sent.back().has_actor());
  Beat("b", {}, After(2));  // from the earlier stream: ignored
  Settle(workforce, After(10));
  EXPECT_EQ(workforce.StageEpoch(Stage("e")), 0);
  for (const v1::Worker& worker : workforce.List("", 100, After(10))) {
    EXPECT_NE(worker.hello().kind(), v1::WORKER_KIND_LEARNER) << worker.hello().worker_id();
  }
}

TEST_F(TwoLearners, AreNamedWhereTheStageWaitsForThem) {
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "");
  v1::WorkerHeartbeat alone;
  alone.set_without_actors_ms(2'000);
  Beat("b", alone, After(1));
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "actors: none has reached the learner of rank 1");
  alone.set_without_ranks_ms(1'999);
  Beat("b", alone, After(2));
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "actors: none has reached the learner of rank 1");
  alone.set_without_ranks_ms(2'000);
  Beat("b", alone, After(3));
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "its learners: they have not reached each other");
  workforce.Detach("b", *learners["b"], false, After(4));
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "its learner of rank 1, which has not been heard of");
  workforce.Detach("a", *learners["a"], false, After(4));
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "its learners of ranks 0, 1, which have not been heard of");
}

TEST(Workforce, CountsTheLearnersForAStageThatNeedsSeveral) {
  Workforce workforce(1);
  workforce.AddTraining(Stage("e"), WorkFor(3), true, kStart);
  Settle(workforce, kStart);
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "3 learners: none is attached");
  workforce.TakeChangedStages();
  Attach(workforce, "a", v1::WORKER_KIND_LEARNER, kStart);
  Settle(workforce, kStart);
  EXPECT_THAT(workforce.TakeChangedStages(), ElementsAre(Stage("e")));
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "3 learners: 1 is attached");
  workforce.AddTraining(Stage("small"), WorkFor(1), true, kStart);
  Settle(workforce, kStart);
  EXPECT_GT(workforce.StageEpoch(Stage("small")), 0);
  for (const char* id : {"b", "c"}) Attach(workforce, id, v1::WORKER_KIND_LEARNER, kStart);
  Settle(workforce, kStart);
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "3 learners");
  workforce.RemoveStage(Stage("small"), After(1));
  Settle(workforce, After(1));
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "actors");
}

}  // namespace
}  // namespace understudy
