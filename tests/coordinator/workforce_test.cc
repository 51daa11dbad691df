#include "coordinator/workforce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

using ::testing::ElementsAre;
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

std::string AddressOf(const std::string& learner) { return learner + ":7"; }

std::shared_ptr<FakeLink> Attach(Workforce& workforce, const std::string& id, v1::WorkerKind kind, absl::Time now) {
  v1::WorkerHello hello;
  hello.set_worker_id(id);
  hello.set_kind(kind);
  if (kind == v1::WORKER_KIND_LEARNER) hello.set_rollouts_address(AddressOf(id));
  auto link = std::make_shared<FakeLink>();
  EXPECT_TRUE(workforce.Attach(hello, link, now).ok());
  return link;
}

v1::LearnerWork WorkFor(int learners) {
  v1::LearnerWork work;
  work.mutable_train()->set_learners(learners);
  return work;
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

TEST(Workforce, ASilentLearnersStageGoesToAnotherUnderALaterEpoch) {
  Workforce workforce(1);
  const auto first = Attach(workforce, "first", v1::WORKER_KIND_LEARNER, kStart);
  workforce.AddTraining(Stage("e"), WorkFor(1), true, kStart);
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
  workforce.AddTraining(Stage("e"), WorkFor(1), true, kStart);
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
  workforce.AddTraining(Stage("first"), WorkFor(1), true, kStart);
  Settle(workforce, kStart);
  workforce.Detach("away", *away, false, After(1));
  workforce.RemoveStage(Stage("first"), After(2));
  workforce.AddTraining(Stage("second"), WorkFor(1), true, After(2));
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
  workforce.AddTraining(Stage("e"), WorkFor(1), true, kStart);
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
  workforce.AddTraining(Stage("e"), WorkFor(1), true, After(2));
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

v1::StageGrant GrantTo(const std::vector<std::string>& learners, int64_t epoch) {
  v1::StageGrant grant;
  grant.set_epoch(epoch);
  for (const std::string& id : learners) {
    v1::GrantedLearner& learner = *grant.add_learners();
    learner.set_worker_id(id);
    learner.set_rollouts_address(AddressOf(id));
  }
  return grant;
}

TEST(Workforce, AnotherLearnerTakesOverAfterTheGraceAndTheFirstIsToldWhenItIsBack) {
  Workforce workforce(1);
  const auto first = Attach(workforce, "first", v1::WORKER_KIND_LEARNER, kStart);
  workforce.AddTraining(Stage("e"), WorkFor(1), true, kStart);
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
  workforce.AddTraining(Stage("e"), WorkFor(1), true, kStart);
  EXPECT_EQ(workforce.GrantOf(Stage("e")).epoch(), 0);
  Attach(workforce, "learner", v1::WORKER_KIND_LEARNER, kStart);
  workforce.Plan(kStart);
  const v1::StageGrant grant = workforce.GrantOf(Stage("e"));
  EXPECT_EQ(grant.epoch(), workforce.StageEpoch(Stage("e")));
  ASSERT_THAT(grant.learners(), SizeIs(1));
  EXPECT_EQ(grant.learners(0).worker_id(), "learner");
  EXPECT_EQ(grant.learners(0).rollouts_address(), "learner:7");
}

TEST(Workforce, ARestoredLearnerGoesOnUndisturbedAndSoDoItsActors) {
  Workforce workforce(2);
  workforce.RestoreTraining(Stage("e"), WorkFor(1), true, GrantTo({"learner"}, 42), kStart);
  const auto actor = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, After(0.1));
  const auto idle = Attach(workforce, "idle", v1::WORKER_KIND_LEARNER, After(0.1));
  Settle(workforce, After(0.1));
  EXPECT_EQ(actor->sent.back().actor().rollouts_addresses(0), "learner:7");
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
  workforce.RestoreTraining(Stage("e"), WorkFor(1), true, GrantTo({"gone"}, 42), kStart);
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
  workforce.Detach("learner", *learner, false, After(2));
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "its learner, which has not been heard of");
}

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
  for (const v1::Worker& worker : workforce.List(After(10))) {
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

TEST(Workforce, RestoredLearnersKeepTheirRanks) {
  Workforce workforce(2);
  workforce.RestoreTraining(Stage("e"), WorkFor(2), true, GrantTo({"z", "a"}, 42), kStart);
  const auto first = Attach(workforce, "z", v1::WORKER_KIND_LEARNER, After(0.1));
  Settle(workforce, After(0.1));
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "its learner of rank 1, which has not been heard of");
  const auto second = Attach(workforce, "a", v1::WORKER_KIND_LEARNER, After(1.9));
  Settle(workforce, After(1.9));
  EXPECT_EQ(first->sent.back().learner().rank(), 0);
  EXPECT_EQ(second->sent.back().learner().rank(), 1);
  EXPECT_EQ(second->sent.back().learner().first_address(), AddressOf("z"));
  EXPECT_EQ(second->sent.back().learner().stage().epoch(), 42);
  EXPECT_EQ(workforce.WaitingFor(Stage("e")), "actors");
}

TEST(Workforce, AGrantThatNamesALearnerTwiceIsNotRestored) {
  Workforce workforce(2);
  workforce.RestoreTraining(Stage("e"), WorkFor(2), true, GrantTo({"a", "a"}, 42), kStart);
  Settle(workforce, kStart);
  EXPECT_EQ(workforce.StageEpoch(Stage("e")), 0);
  EXPECT_THAT(workforce.List(kStart), IsEmpty());
}

TEST(Workforce, ARestoredLearnerThatIsThereAlreadyIsNotAway) {
  Workforce workforce(2);
  const auto learner = Attach(workforce, "learner", v1::WORKER_KIND_LEARNER, kStart);
  Attach(workforce, "idle", v1::WORKER_KIND_LEARNER, kStart);
  // The store could not be read until now.
  workforce.RestoreTraining(Stage("e"), WorkFor(1), true, GrantTo({"learner"}, 42), After(1));
  Settle(workforce, After(1));
  EXPECT_EQ(learner->sent.back().learner().stage().epoch(), 42);
  Settle(workforce, After(5));
  EXPECT_EQ(workforce.StageEpoch(Stage("e")), 42);
}

TEST(Workforce, AGrantOfWhichOneLearnerHasAnotherStageIsNotRestored) {
  Workforce workforce(2);
  workforce.RestoreTraining(Stage("first"), WorkFor(1), true, GrantTo({"a"}, 42), kStart);
  workforce.RestoreTraining(Stage("second"), WorkFor(2), true, GrantTo({"a", "b"}, 43), kStart);
  Settle(workforce, kStart);
  EXPECT_EQ(workforce.StageEpoch(Stage("first")), 42);
  EXPECT_EQ(workforce.StageEpoch(Stage("second")), 0);
  EXPECT_THAT(workforce.List(kStart), SizeIs(1));
  EXPECT_EQ(workforce.WaitingFor(Stage("second")), "2 learners: 1 is attached");
}

}  // namespace
}  // namespace understudy
