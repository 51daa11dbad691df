#include "coordinator/workforce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

absl::Time After(double seconds) { return kStart + absl::Seconds(seconds); }

StageId Stage(const std::string& experiment) { return {.experiment = experiment, .stage = 2}; }

class FakeLink final : public WorkerLink {
 public:
  void Send(v1::Assignment assignment) override { sent.push_back(std::move(assignment)); }
  void ReadNext() override {}
  void Close(absl::Status status) override { closed.push_back(std::move(status)); }

  std::vector<v1::Assignment> sent;
  std::vector<absl::Status> closed;
};

std::shared_ptr<FakeLink> Attach(Workforce& workforce, const std::string& id, v1::WorkerKind kind, absl::Time now) {
  v1::WorkerHello hello;
  hello.set_worker_id(id);
  hello.set_kind(kind);
  if (kind == v1::WORKER_KIND_LEARNER) hello.set_rollouts_address("127.0.0.1:7");
  auto link = std::make_shared<FakeLink>();
  EXPECT_TRUE(workforce.Attach(hello, link, now).ok());
  return link;
}

void Settle(Workforce& workforce, absl::Time now) {
  workforce.Plan(now);
  workforce.Tell();
}

v1::WorkerHeartbeat HeartbeatOf(int64_t epoch) {
  v1::WorkerHeartbeat heartbeat;
  heartbeat.set_epoch(epoch);
  return heartbeat;
}

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
  v1::LearnerWork work;
  work.set_environment("CartPole-v1");
  workforce.AddTraining(Stage("e"), work, true, kStart);
  Settle(workforce, kStart);
  ASSERT_THAT(actor->sent, SizeIs(1));
  ASSERT_THAT(learner->sent, SizeIs(1));
  EXPECT_EQ(learner->sent[0].learner().environment(), "CartPole-v1");
  EXPECT_EQ(learner->sent[0].learner().stage().experiment_id(), "e");
  EXPECT_EQ(learner->sent[0].learner().stage().stage(), 2);
  EXPECT_EQ(learner->sent[0].learner().stage().epoch(), workforce.StageEpoch(Stage("e")));
  EXPECT_EQ(actor->sent[0].actor().rollouts_address(), "127.0.0.1:7");
  EXPECT_EQ(actor->sent[0].actor().stage().epoch(), workforce.StageEpoch(Stage("e")));
}

TEST(Workforce, ActorsOfACollectStageComeToTheCoordinator) {
  Workforce workforce(1);
  const auto actor = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, kStart);
  workforce.AddRollouts(Stage("e"), kStart);
  Settle(workforce, kStart);
  ASSERT_THAT(actor->sent, SizeIs(1));
  EXPECT_TRUE(actor->sent[0].has_actor());
  EXPECT_EQ(actor->sent[0].actor().rollouts_address(), "");
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

TEST(Workforce, ASilentLearnersStageGoesToAnotherUnderALaterEpoch) {
  Workforce workforce(1);
  const auto first = Attach(workforce, "first", v1::WORKER_KIND_LEARNER, kStart);
  workforce.AddTraining(Stage("e"), {}, true, kStart);
  Settle(workforce, kStart);
  const int64_t epoch = workforce.StageEpoch(Stage("e"));
  const auto second = Attach(workforce, "second", v1::WORKER_KIND_LEARNER, After(5));
  Settle(workforce, After(5));
  EXPECT_EQ(workforce.next_wake(), After(10));
  Settle(workforce, After(10));
  EXPECT_GT(workforce.StageEpoch(Stage("e")), epoch);
  ASSERT_THAT(first->closed, SizeIs(1));
  EXPECT_TRUE(absl::IsDeadlineExceeded(first->closed[0]));
  EXPECT_EQ(second->sent.back().learner().stage().epoch(), workforce.StageEpoch(Stage("e")));
}

TEST(Workforce, ALearnerWhoseStreamBreaksKeepsItsStageForItsLease) {
  Workforce workforce(1);
  const auto link = Attach(workforce, "learner", v1::WORKER_KIND_LEARNER, kStart);
  workforce.AddTraining(Stage("e"), {}, true, kStart);
  Settle(workforce, kStart);
  const int64_t epoch = workforce.StageEpoch(Stage("e"));
  workforce.Detach("learner", *link, false, After(1));
  Settle(workforce, After(1));
  const auto again = Attach(workforce, "learner", v1::WORKER_KIND_LEARNER, After(9));
  Settle(workforce, After(9));
  EXPECT_EQ(workforce.StageEpoch(Stage("e")), epoch);
  ASSERT_THAT(again->sent, SizeIs(1));
  EXPECT_EQ(again->sent[0].epoch(), link->sent.back().epoch());

  workforce.Detach("learner", *again, false, After(10));
  Settle(workforce, After(19));
  EXPECT_EQ(workforce.StageEpoch(Stage("e")), 0);
}

TEST(Workforce, ALearnerThatIsAwayWhenItsStageEndsGetsNoOther) {
  Workforce workforce(1);
  const auto away = Attach(workforce, "away", v1::WORKER_KIND_LEARNER, kStart);
  workforce.AddTraining(Stage("first"), {}, true, kStart);
  Settle(workforce, kStart);
  workforce.Detach("away", *away, false, After(1));
  workforce.RemoveStage(Stage("first"), After(2));
  workforce.AddTraining(Stage("second"), {}, true, After(2));
  Settle(workforce, After(2));
  EXPECT_EQ(workforce.StageEpoch(Stage("second")), 0);
  EXPECT_THAT(workforce.List(After(2)), IsEmpty());
  const auto learner = Attach(workforce, "learner", v1::WORKER_KIND_LEARNER, After(3));
  Settle(workforce, After(3));
  ASSERT_THAT(learner->sent, SizeIs(1));
  EXPECT_EQ(learner->sent[0].learner().stage().experiment_id(), "second");
}

TEST(Workforce, AWorkerThatSaysGoodbyeIsGoneAtOnce) {
  Workforce workforce(1);
  const auto link = Attach(workforce, "learner", v1::WORKER_KIND_LEARNER, kStart);
  workforce.AddTraining(Stage("e"), {}, true, kStart);
  Settle(workforce, kStart);
  workforce.Detach("learner", *link, true, After(1));
  EXPECT_EQ(workforce.StageEpoch(Stage("e")), 0);
  EXPECT_THAT(workforce.List(After(1)), IsEmpty());
}

TEST(Workforce, AnActorWhoseStreamBreaksIsGoneAtOnce) {
  Workforce workforce(1);
  const auto link = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, kStart);
  workforce.AddRollouts(Stage("e"), kStart);
  Settle(workforce, kStart);
  EXPECT_EQ(workforce.ActorsOf(Stage("e")), 1);
  workforce.Detach("actor", *link, false, After(1));
  EXPECT_EQ(workforce.ActorsOf(Stage("e")), 0);
}

TEST(Workforce, AnIdleLearnerWhoseStreamBreaksGetsNoStage) {
  Workforce workforce(1);
  const auto gone = Attach(workforce, "a-gone", v1::WORKER_KIND_LEARNER, kStart);
  const auto here = Attach(workforce, "here", v1::WORKER_KIND_LEARNER, kStart);
  Settle(workforce, kStart);
  workforce.Detach("a-gone", *gone, false, After(1));
  workforce.AddTraining(Stage("e"), {}, true, After(2));
  Settle(workforce, After(2));
  EXPECT_TRUE(here->sent.back().has_learner());
  EXPECT_THAT(workforce.List(After(2)), SizeIs(1));
}

TEST(Workforce, AReplacedStreamEndsAndItsLastWordsAreIgnored) {
  Workforce workforce(1);
  const auto earlier = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, kStart);
  const auto later = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, After(1));
  ASSERT_THAT(earlier->closed, SizeIs(1));
  EXPECT_TRUE(absl::IsAborted(earlier->closed[0]));
  workforce.Detach("actor", *earlier, false, After(2));
  workforce.Heartbeat("actor", *earlier, HeartbeatOf(99), After(2));
  const auto workers = workforce.List(After(3));
  ASSERT_THAT(workers, SizeIs(1));
  EXPECT_EQ(workers[0].heartbeat().epoch(), 0);
  EXPECT_EQ(workers[0].silent_ms(), 2'000);
  EXPECT_THAT(later->closed, IsEmpty());
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

TEST(Workforce, ClosesAllStreamsWithOneStatus) {
  Workforce workforce(1);
  const auto link = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, kStart);
  workforce.CloseAll(absl::UnavailableError("stopping"));
  ASSERT_THAT(link->closed, SizeIs(1));
  EXPECT_TRUE(absl::IsUnavailable(link->closed[0]));
}

v1::StageGrant GrantTo(const std::string& learner, int64_t epoch) {
  v1::StageGrant grant;
  grant.set_epoch(epoch);
  grant.set_worker_id(learner);
  grant.set_rollouts_address("127.0.0.1:7");
  return grant;
}

TEST(Workforce, AnotherLearnerTakesOverAfterTheGraceAndTheFirstIsToldWhenItIsBack) {
  Workforce workforce(1);
  const auto first = Attach(workforce, "first", v1::WORKER_KIND_LEARNER, kStart);
  workforce.AddTraining(Stage("e"), {}, true, kStart);
  Settle(workforce, kStart);
  const int64_t epoch = workforce.StageEpoch(Stage("e"));
  const auto second = Attach(workforce, "second", v1::WORKER_KIND_LEARNER, kStart);
  workforce.Detach("first", *first, false, After(1));
  Settle(workforce, After(1.4));
  EXPECT_EQ(workforce.StageEpoch(Stage("e")), epoch);
  EXPECT_EQ(workforce.next_wake(), After(1.5));
  Settle(workforce, After(1.5));
  EXPECT_GT(workforce.StageEpoch(Stage("e")), epoch);
  EXPECT_TRUE(second->sent.back().has_learner());
  const auto again = Attach(workforce, "first", v1::WORKER_KIND_LEARNER, After(3));
  Settle(workforce, After(3));
  ASSERT_THAT(again->sent, SizeIs(1));
  EXPECT_FALSE(again->sent[0].has_learner());
}

TEST(Workforce, SaysWhoTrainsAStage) {
  Workforce workforce(1);
  workforce.AddTraining(Stage("e"), {}, true, kStart);
  EXPECT_EQ(workforce.GrantOf(Stage("e")).epoch(), 0);
  Attach(workforce, "learner", v1::WORKER_KIND_LEARNER, kStart);
  workforce.Plan(kStart);
  const v1::StageGrant grant = workforce.GrantOf(Stage("e"));
  EXPECT_EQ(grant.epoch(), workforce.StageEpoch(Stage("e")));
  EXPECT_EQ(grant.worker_id(), "learner");
  EXPECT_EQ(grant.rollouts_address(), "127.0.0.1:7");
}

TEST(Workforce, ARestoredLearnerGoesOnUndisturbedAndSoDoItsActors) {
  Workforce workforce(2);
  workforce.RestoreTraining(Stage("e"), {}, true, GrantTo("learner", 42), kStart);
  const auto actor = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, After(0.1));
  const auto idle = Attach(workforce, "idle", v1::WORKER_KIND_LEARNER, After(0.1));
  Settle(workforce, After(0.1));
  EXPECT_EQ(actor->sent.back().actor().rollouts_address(), "127.0.0.1:7");
  EXPECT_EQ(actor->sent.back().actor().stage().epoch(), 42);
  EXPECT_FALSE(idle->sent.back().has_learner());
  const auto learner = Attach(workforce, "learner", v1::WORKER_KIND_LEARNER, After(1.9));
  Settle(workforce, After(1.9));
  EXPECT_EQ(learner->sent.back().learner().stage().epoch(), 42);
  Settle(workforce, After(9));
  EXPECT_EQ(workforce.StageEpoch(Stage("e")), 42);
}

TEST(Workforce, ARestoredStageWhoseLearnerNeverComesGoesToAnother) {
  Workforce workforce(2);
  workforce.RestoreTraining(Stage("e"), {}, true, GrantTo("gone", 42), kStart);
  const auto other = Attach(workforce, "other", v1::WORKER_KIND_LEARNER, After(0.1));
  Settle(workforce, After(2));
  EXPECT_GT(workforce.StageEpoch(Stage("e")), 42);
  EXPECT_TRUE(other->sent.back().has_learner());
  EXPECT_THAT(workforce.List(After(2)), SizeIs(1));
}

TEST(Workforce, NobodysLeaseEndsWhileTheCoordinatorItselfDidNotRun) {
  Workforce workforce(1);
  const auto actor = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, kStart);
  Settle(workforce, kStart);
  workforce.Pardon(absl::Seconds(100));
  Settle(workforce, After(105));
  EXPECT_THAT(actor->closed, IsEmpty());
  EXPECT_EQ(workforce.next_wake(), After(110));
  Settle(workforce, After(110));
  EXPECT_THAT(actor->closed, SizeIs(1));
}

TEST(Workforce, NamesTheStagesThatSomethingHappenedToAndNoOthers) {
  using ::testing::ElementsAre;
  Workforce workforce(1);
  workforce.AddTraining(Stage("trains"), v1::LearnerWork(), false, kStart);
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
  workforce.AddTraining(Stage("e"), {}, true, kStart);
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
  workforce.Detach("learner", *learner, false, After(2));
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "its learner, which has not been heard of");
}

}  // namespace
}  // namespace understudy
