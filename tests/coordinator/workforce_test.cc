#include "coordinator/workforce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/coordinator/fake_workers.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::understudy::testing::After;
using ::understudy::testing::Attach;
using ::understudy::testing::FakeLink;
using ::understudy::testing::HeartbeatOf;
using ::understudy::testing::kStart;
using ::understudy::testing::Settle;
using ::understudy::testing::Stage;
using ::understudy::testing::WorkFor;

TEST(Workforce, TellsAnIdleWorkerThatItIsIdle) {
  Workforce workforce(1);
  const auto link = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, kStart);
  EXPECT_THAT(link->sent, IsEmpty());
  Settle(workforce, kStart);
  ASSERT_THAT(link->sent, SizeIs(1));
  EXPECT_EQ(link->sent[0].epoch(), 0);
  EXPECT_EQ(link->sent[0].lease_ms(), 10'000);
}

TEST(Workforce, ActorsLearnWhereTheLearnerOfTheirStageIs) {
  Workforce workforce(1);
  const auto actor = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, kStart);
  const auto learner = Attach(workforce, "learner", v1::WORKER_KIND_LEARNER, kStart);
  v1::LearnerWork work = WorkFor(1);
  work.set_environment("CartPole-v1");
  workforce.AddTraining(Stage("e"), work, true, kStart);
  Settle(workforce, kStart);
  ASSERT_THAT(actor->sent, SizeIs(1));
  ASSERT_THAT(learner->sent, SizeIs(1));
  EXPECT_EQ(learner->sent[0].learner().environment(), "CartPole-v1");
  EXPECT_EQ(learner->sent[0].learner().stage().experiment_id(), "e");
  EXPECT_EQ(learner->sent[0].learner().stage().stage(), 2);
  EXPECT_EQ(learner->sent[0].learner().stage().epoch(), workforce.StageEpoch(Stage("e")));
  EXPECT_EQ(actor->sent[0].actor().rollouts_addresses(0), "learner:7");
  EXPECT_EQ(actor->sent[0].actor().stage().epoch(), workforce.StageEpoch(Stage("e")));
}

TEST(Workforce, ActorsOfACollectStageComeToTheCoordinator) {
  Workforce workforce(1);
  const auto actor = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, kStart);
  workforce.AddRollouts(Stage("e"), kStart);
  Settle(workforce, kStart);
  ASSERT_THAT(actor->sent, SizeIs(1));
  EXPECT_TRUE(actor->sent[0].has_actor());
  EXPECT_THAT(actor->sent[0].actor().rollouts_addresses(), IsEmpty());
}

TEST(Workforce, SeveralChangesAtOnceAreOneMessage) {
  Workforce workforce(1);
  const auto actor = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, kStart);
  workforce.AddRollouts(Stage("a"), kStart);
  workforce.RemoveStage(Stage("a"), kStart);
  workforce.AddRollouts(Stage("b"), kStart);
  Settle(workforce, kStart);
  ASSERT_THAT(actor->sent, SizeIs(1));
  EXPECT_EQ(actor->sent[0].actor().stage().experiment_id(), "b");
}

TEST(Workforce, RepeatsTheAssignmentToAWorkerOfAnotherEpochAlone) {
  Workforce workforce(1);
  const auto actor = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, kStart);
  workforce.AddRollouts(Stage("a"), kStart);
  Settle(workforce, kStart);
  ASSERT_THAT(actor->sent, SizeIs(1));
  workforce.Heartbeat("actor", *actor, HeartbeatOf(actor->sent[0].epoch()), After(1));
  Settle(workforce, After(1));
  EXPECT_THAT(actor->sent, SizeIs(1));
  workforce.Heartbeat("actor", *actor, HeartbeatOf(0), After(2));
  Settle(workforce, After(2));
  ASSERT_THAT(actor->sent, SizeIs(2));
  EXPECT_EQ(actor->sent[1].epoch(), actor->sent[0].epoch());
}

TEST(Workforce, AWorkerHearsOfALongerIntervalInAnswerToItsNextHeartbeat) {
  Workforce workforce(1);
  const auto first = Attach(workforce, "first", v1::WORKER_KIND_ACTOR, kStart);
  Settle(workforce, kStart);
  EXPECT_EQ(first->sent.back().heartbeat_ms(), 1'000);
  for (int i = 0; i < 2'000; ++i) Attach(workforce, absl::StrCat("other-", i), v1::WORKER_KIND_ACTOR, kStart);
  Settle(workforce, kStart);
  EXPECT_THAT(first->sent, SizeIs(1));

  for (int beat = 0; beat < 2; ++beat) {
    workforce.Heartbeat("first", *first, HeartbeatOf(0), After(1 + beat));
    Settle(workforce, After(1 + beat));
    ASSERT_THAT(first->sent, SizeIs(2));
    EXPECT_EQ(first->sent.back().heartbeat_ms(), 2'000);
  }
}

TEST(Workforce, RefusesMoreWorkersThanItsBound) {
  Workforce workforce(1);
  v1::WorkerHello hello;
  hello.set_kind(v1::WORKER_KIND_ACTOR);
  const auto link = std::make_shared<FakeLink>();
  for (size_t i = 0; i < kMaxWorkers; ++i) {
    hello.set_worker_id(absl::StrCat(i));
    ASSERT_TRUE(workforce.Attach(hello, link, kStart).ok());
  }
  hello.set_worker_id("one-more");
  EXPECT_TRUE(absl::IsResourceExhausted(workforce.Attach(hello, link, kStart)));
  hello.set_worker_id("0");
  EXPECT_TRUE(workforce.Attach(hello, link, kStart).ok());
}

TEST(Workforce, NamesTheStagesThatSomethingHappenedToAndNoOthers) {
  Workforce workforce(1);
  workforce.AddTraining(Stage("trains"), WorkFor(1), false, kStart);
  workforce.AddRollouts(Stage("collects"), kStart);
  Settle(workforce, kStart);
  EXPECT_THAT(workforce.TakeChangedStages(), ElementsAre(Stage("collects"), Stage("trains")));
  EXPECT_THAT(workforce.TakeChangedStages(), IsEmpty());

  const auto actor = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, After(1));
  Settle(workforce, After(1));
  EXPECT_THAT(workforce.TakeChangedStages(), ElementsAre(Stage("collects")));
  const auto learner = Attach(workforce, "learner", v1::WORKER_KIND_LEARNER, After(1));
  Settle(workforce, After(1));
  EXPECT_THAT(workforce.TakeChangedStages(), ElementsAre(Stage("trains")));

  workforce.Heartbeat("actor", *actor, HeartbeatOf(actor->sent.back().epoch()), After(2));
  Settle(workforce, After(2));
  EXPECT_THAT(workforce.TakeChangedStages(), IsEmpty());
  // It may say that no actor reaches it.
  workforce.Heartbeat("learner", *learner, HeartbeatOf(learner->sent.back().epoch()), After(2));
  EXPECT_THAT(workforce.TakeChangedStages(), ElementsAre(Stage("trains")));
  workforce.Detach("learner", *learner, false, After(3));
  EXPECT_THAT(workforce.TakeChangedStages(), ElementsAre(Stage("trains")));
  // Its lease ends.
  Settle(workforce, After(12));
  EXPECT_THAT(workforce.TakeChangedStages(), ElementsAre(Stage("collects"), Stage("trains")));
}

TEST(Workforce, SaysWhatAStageWaitsFor) {
  Workforce workforce(1);
  workforce.AddTraining(Stage("e"), WorkFor(1), true, kStart);
  Settle(workforce, kStart);
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "a learner");
  const auto learner = Attach(workforce, "learner", v1::WORKER_KIND_LEARNER, kStart);
  Settle(workforce, kStart);
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "actors");
  const auto actor = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, kStart);
  Settle(workforce, kStart);
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "");
  v1::WorkerHeartbeat alone = HeartbeatOf(learner->sent.back().epoch());
  alone.set_without_actors_ms(2'500);
  workforce.Heartbeat("learner", *learner, alone, After(1));
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "actors: none has reached the learner");
  workforce.TakeChangedStages();
  v1::WorkerHeartbeat lost = HeartbeatOf(actor->sent.back().epoch());
  lost.set_unreachable("learner:7: Connection refused");
  workforce.Heartbeat("actor", *actor, lost, After(1));
  EXPECT_THAT(workforce.TakeChangedStages(), ElementsAre(Stage("e")));
  EXPECT_EQ(workforce.WaitingFor(Stage("e")),
            "actors: none has reached the learner; actor says: learner:7: Connection refused");
  workforce.Heartbeat("actor", *actor, lost, After(1));
  EXPECT_THAT(workforce.TakeChangedStages(), IsEmpty());
  lost.set_unreachable("learner:77: Connection refused");  // another one's
  workforce.Heartbeat("actor", *actor, lost, After(1));
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "actors: none has reached the learner");
  workforce.Detach("learner", *learner, false, After(2));
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "its learner, which has not been heard of");
}

}  // namespace
}  // namespace understudy
