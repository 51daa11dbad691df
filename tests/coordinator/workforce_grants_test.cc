// Who has a stage, and who keeps it where the coordinator was restarted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/workforce.h"
#include "tests/coordinator/fake_workers.h"

namespace understudy {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::understudy::testing::AddressOf;
using ::understudy::testing::After;
using ::understudy::testing::Attach;
using ::understudy::testing::GrantTo;
using ::understudy::testing::kStart;
using ::understudy::testing::Settle;
using ::understudy::testing::Stage;
using ::understudy::testing::WorkFor;

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
  EXPECT_THAT(workforce.List("", 100, After(2)), SizeIs(1));
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
  EXPECT_THAT(workforce.List("", 100, kStart), IsEmpty());
}

TEST(Workforce, AGrantOfWhichOneLearnerHasAnotherStageIsNotRestored) {
  Workforce workforce(2);
  workforce.RestoreTraining(Stage("first"), WorkFor(1), true, GrantTo({"a"}, 42), kStart);
  workforce.RestoreTraining(Stage("second"), WorkFor(2), true, GrantTo({"a", "b"}, 43), kStart);
  Settle(workforce, kStart);
  EXPECT_EQ(workforce.StageEpoch(Stage("first")), 42);
  EXPECT_EQ(workforce.StageEpoch(Stage("second")), 0);
  EXPECT_THAT(workforce.List("", 100, kStart), SizeIs(1));
  EXPECT_EQ(workforce.WaitingFor(Stage("second")), "2 learners: 1 is attached");
}

}  // namespace
}  // namespace understudy
