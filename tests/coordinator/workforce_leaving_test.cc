// What becomes of a stage whose workers fall silent, break off, say goodbye, or come back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/workforce.h"
#include "tests/coordinator/fake_workers.h"

namespace understudy {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::understudy::testing::After;
using ::understudy::testing::Attach;
using ::understudy::testing::HeartbeatOf;
using ::understudy::testing::kStart;
using ::understudy::testing::Settle;
using ::understudy::testing::Stage;
using ::understudy::testing::WorkFor;

TEST(Workforce, ASilentLearnersStageGoesToAnotherUnderALaterEpoch) {
  Workforce workforce(1);
  const auto first = Attach(workforce, "first", v1::WORKER_KIND_LEARNER, kStart);
  workforce.AddTraining(Stage("e"), WorkFor(1), true, kStart);
  Settle(workforce, kStart);
  const int64_t epoch = workforce.StageEpoch(Stage("e"));
  const auto second = Attach(workforce, "second", v1::WORKER_KIND_LEARNER, After(5));
  Settle(workforce, After(5));
  EXPECT_EQ(workforce.next_plan(), After(10));
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
  EXPECT_EQ(workforce.next_plan(), After(1.5));
  Settle(workforce, After(1.5));
  EXPECT_GT(workforce.StageEpoch(Stage("e")), epoch);
  EXPECT_TRUE(second->sent.back().has_learner());
  const auto again = Attach(workforce, "first", v1::WORKER_KIND_LEARNER, After(3));
  Settle(workforce, After(3));
  ASSERT_THAT(again->sent, SizeIs(1));
  EXPECT_FALSE(again->sent[0].has_learner());
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
  EXPECT_THAT(workforce.List("", 100, After(2)), IsEmpty());
  const auto learner = Attach(workforce, "learner", v1::WORKER_KIND_LEARNER, After(3));
  Settle(workforce, After(3));
  ASSERT_THAT(learner->sent, SizeIs(1));
  EXPECT_EQ(learner->sent[0].learner().stage().experiment_id(), "second");
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
  EXPECT_THAT(workforce.List("", 100, After(2)), SizeIs(1));
}

TEST(Workforce, AWorkerThatSaysGoodbyeIsGoneAtOnce) {
  Workforce workforce(1);
  const auto link = Attach(workforce, "learner", v1::WORKER_KIND_LEARNER, kStart);
  workforce.AddTraining(Stage("e"), WorkFor(1), true, kStart);
  Settle(workforce, kStart);
  workforce.Detach("learner", *link, true, After(1));
  EXPECT_EQ(workforce.StageEpoch(Stage("e")), 0);
  EXPECT_THAT(workforce.List("", 100, After(1)), IsEmpty());
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

TEST(Workforce, AReplacedStreamEndsAndItsLastWordsAreIgnored) {
  Workforce workforce(1);
  const auto earlier = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, kStart);
  const auto later = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, After(1));
  ASSERT_THAT(earlier->closed, SizeIs(1));
  EXPECT_TRUE(absl::IsAborted(earlier->closed[0]));
  workforce.Detach("actor", *earlier, false, After(2));
  workforce.Heartbeat("actor", *earlier, HeartbeatOf(99), After(2));
  const auto workers = workforce.List("", 100, After(3));
  ASSERT_THAT(workers, SizeIs(1));
  EXPECT_EQ(workers[0].heartbeat().epoch(), 0);
  EXPECT_EQ(workers[0].silent_ms(), 2'000);
  EXPECT_THAT(later->closed, IsEmpty());
}

TEST(Workforce, NobodysLeaseEndsWhileTheCoordinatorItselfDidNotRun) {
  Workforce workforce(1);
  const auto actor = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, kStart);
  Settle(workforce, kStart);
  workforce.NoteLapse(absl::Seconds(100));
  Settle(workforce, After(105));
  EXPECT_THAT(actor->closed, IsEmpty());
  EXPECT_EQ(workforce.next_plan(), After(110));
  Settle(workforce, After(110));
  EXPECT_THAT(actor->closed, SizeIs(1));
}

TEST(Workforce, ClosesAllStreamsWithOneStatus) {
  Workforce workforce(1);
  const auto link = Attach(workforce, "actor", v1::WORKER_KIND_ACTOR, kStart);
  workforce.CloseAll(absl::UnavailableError("stopping"));
  ASSERT_THAT(link->closed, SizeIs(1));
  EXPECT_TRUE(absl::IsUnavailable(link->closed[0]));
}

}  // namespace
}  // namespace understudy
