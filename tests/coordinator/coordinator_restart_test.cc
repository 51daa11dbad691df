// What a coordinator makes of the store that an earlier one left.
#include <gmock/gmock.h>
#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>

#include <functional>

#include "common/rpc/protocol.h"
#include "coordinator/coordinator.h"
#include "tests/coordinator/coordinator_harness.h"
#include "tests/testing/listing.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using testing::ActorNamed;
using testing::AddCollect;
using testing::AddEvaluate;
using testing::CoordinatorHarness;
using testing::EmptyExperiment;
using testing::Failure;
using testing::LearnerNamed;
using testing::OneTraining;
using testing::RollOut;
using ::testing::SizeIs;
using testing::StoreExpert;
using testing::TemporaryDirectory;
using testing::TestWorker;

TEST(RestartedCoordinator, LeavesAStageToTheLearnerThatHasIt) {
  TemporaryDirectory directory;
  std::string id;
  v1::LearnerWork before;
  {
    CoordinatorHarness test(directory);
    TestWorker learner(test, LearnerNamed("learner"));
    id = test.Submit(OneTraining());
    before = learner.NextWork().learner();
    EXPECT_TRUE(test.ReportProgress(before.stage(), 1).ok());
  }
  CoordinatorHarness test(directory);
  EXPECT_EQ(test.Get(id).status(), v1::STATUS_RUNNING);
  EXPECT_EQ(test.Get(id).stages(0).progress().iteration(), 1);
  // Its calls are taken even before it has attached again.
  EXPECT_TRUE(test.ReportProgress(before.stage(), 2).ok());
  TestWorker another(test, LearnerNamed("another"));
  TestWorker learner(test, LearnerNamed("learner"));
  const v1::LearnerWork after = learner.NextWork().learner();
  EXPECT_EQ(after.stage().epoch(), before.stage().epoch());
  test.FinishTraining(after);
  EXPECT_EQ(test.AwaitFinished(id).status(), v1::STATUS_SUCCEEDED);
  EXPECT_THAT(testing::AllMetrics(test.store(), id, 0), SizeIs(2));
}

// What an earlier coordinator has granted to the learner "gone", and stored.
struct Granted {
  std::string id;
  v1::StageKey stage;
};

// `change`: of what is stored of the grant, once that coordinator has stopped.
Granted GrantAndStop(const TemporaryDirectory& directory, const std::function<void(v1::StageGrant&)>& change = {}) {
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("gone"));
  const std::string id = test.Submit(OneTraining());
  const v1::StageKey stage = learner.NextWork().learner().stage();
  if (change) {
    test.coordinator().Stop();
    v1::Experiment experiment = test.store().GetExperiment(id).value();
    change(*experiment.mutable_stages(0)->mutable_grant());
    EXPECT_TRUE(test.store().PutExperiment(experiment, "").ok());
  }
  return {.id = id, .stage = stage};
}

// The stage is granted to this learner under a later epoch, which alone counts, and the experiment succeeds with it.
void ExpectGrantedAnew(CoordinatorHarness& test, const std::string& learner_id, const Granted& before) {
  TestWorker learner(test, LearnerNamed(learner_id));
  const v1::LearnerWork work = learner.NextWork().learner();
  EXPECT_GT(work.stage().epoch() >> 32, before.stage.epoch() >> 32);
  EXPECT_TRUE(absl::IsAborted(test.ReportProgress(before.stage, 1)));
  test.FinishTraining(work);
  EXPECT_EQ(test.AwaitFinished(before.id).status(), v1::STATUS_SUCCEEDED);
}

TEST(RestartedCoordinator, GivesTheStageOfALearnerThatIsGoneToAnotherUnderALaterEpoch) {
  TemporaryDirectory directory;
  const Granted before = GrantAndStop(directory);
  CoordinatorHarness test(directory);
  ExpectGrantedAnew(test, "other", before);
}

v1::ExperimentSpec OneTrainingOf(int learners) {
  v1::ExperimentSpec spec = OneTraining();
  spec.mutable_stages(0)->mutable_train()->set_learners(learners);
  return spec;
}

TEST(RestartedCoordinator, LeavesAStageToTheLearnersThatHaveItWithTheirRanks) {
  TemporaryDirectory directory;
  std::string id;
  v1::LearnerWork first;
  {
    CoordinatorHarness test(directory);
    TestWorker a(test, LearnerNamed("a"));
    TestWorker b(test, LearnerNamed("b"));
    id = test.Submit(OneTrainingOf(2));
    first = a.NextWork().learner();
    EXPECT_EQ(first.rank(), 0);
    EXPECT_EQ(b.NextWork().learner().rank(), 1);
  }
  CoordinatorHarness test(directory);
  ASSERT_THAT(test.Get(id).stages(0).grant().learners(), SizeIs(2));
  EXPECT_TRUE(test.ReportProgress(first.stage(), 1).ok());
  TestWorker another(test, LearnerNamed("another"));
  TestWorker b(test, LearnerNamed("b"));
  TestWorker a(test, LearnerNamed("a"));
  const v1::LearnerWork work = a.NextWork().learner();
  EXPECT_EQ(work.rank(), 0);
  EXPECT_EQ(work.train().learners(), 2);
  EXPECT_EQ(b.NextWork().learner().rank(), 1);
  EXPECT_EQ(work.stage().epoch(), first.stage().epoch());
  test.FinishTraining(work);
  EXPECT_EQ(test.AwaitFinished(id).status(), v1::STATUS_SUCCEEDED);
}

// The stage is to be granted anew, after what is stored of its grant was changed.
void GrantsAnewAfter(const std::function<void(v1::StageGrant&)>& change) {
  TemporaryDirectory directory;
  const Granted before = GrantAndStop(directory, change);
  CoordinatorHarness test(directory);
  // It is nobody's, so that no grace is given.
  EXPECT_EQ(test.Get(before.id).stages(0).waiting_for(), "a learner");
  EXPECT_TRUE(absl::IsAborted(test.ReportProgress(before.stage, 1)));
  ExpectGrantedAnew(test, "gone", before);
}

// Its learners may be there still, but could not go on.
TEST(RestartedCoordinator, GrantsAStageAnewWhoseLearnersSpeakAnotherProtocol) {
  GrantsAnewAfter([](v1::StageGrant& grant) {
    EXPECT_EQ(grant.protocol_version(), kProtocolVersion);
    grant.set_protocol_version(kProtocolVersion - 1);
  });
}

TEST(RestartedCoordinator, GrantsAStageAnewWhoseGrantAnEarlierReleaseHasStored) {
  GrantsAnewAfter([](v1::StageGrant& grant) {
    grant.clear_learners();
    google::protobuf::UnknownFieldSet& earlier = *grant.GetReflection()->MutableUnknownFields(&grant);
    earlier.AddLengthDelimited(2, "gone");
    earlier.AddLengthDelimited(5, "127.0.0.1:7");
  });
}

TEST(RestartedCoordinator, GrantsAStageAnewThatWasGrantedToAnotherNumberOfLearners) {
  GrantsAnewAfter([](v1::StageGrant& grant) { grant.add_learners()->set_worker_id("another"); });
}

TEST(RestartedCoordinator, ARepeatedFinishIsFineAfterARestartToo) {
  TemporaryDirectory directory;
  v1::StageKey stage;
  {
    CoordinatorHarness test(directory);
    TestWorker learner(test, LearnerNamed("learner"));
    test.Submit(OneTraining());
    stage = learner.NextWork().learner().stage();
    EXPECT_TRUE(test.FinishStage(Failure(stage, "no")).ok());
  }
  CoordinatorHarness test(directory);
  EXPECT_TRUE(test.FinishStage(Failure(stage, "no")).ok());
}

TEST(RestartedCoordinator, APolicyPublishedBeforeARestartCanBeFinishedWithAfterIt) {
  TemporaryDirectory directory;
  std::string id;
  v1::FinishStageRequest request;
  {
    CoordinatorHarness test(directory);
    TestWorker learner(test, LearnerNamed("learner"));
    id = test.Submit(OneTraining());
    *request.mutable_stage() = learner.NextWork().learner().stage();
    const auto snapshot = testing::TestSnapshot("expert", 1);
    request.mutable_result()->set_policy_version(test.Publish(request.stage(), *snapshot).value());
    request.mutable_result()->set_policy_digest(snapshot->Digest());
  }
  CoordinatorHarness test(directory);
  EXPECT_TRUE(test.FinishStage(request).ok());
  EXPECT_EQ(test.Get(id).status(), v1::STATUS_SUCCEEDED);
}

TEST(RestartedCoordinator, KeepsEveryAcknowledgedEpisodeAndCollectsTheRest) {
  TemporaryDirectory directory;
  std::string id;
  int64_t acknowledged = 0;
  {
    CoordinatorHarness test(directory);
    StoreExpert(test);
    TestWorker actor(test, ActorNamed("actor"));
    v1::ExperimentSpec spec = EmptyExperiment();
    AddCollect(spec, "expert", "demos", 5'000);
    id = test.Submit(spec);
    RollOut(test, "actor", actor.NextWork().actor().stage(), 10, 1).IgnoreError();
    acknowledged = test.store().GetDataset("demos")->episodes();
    EXPECT_GT(acknowledged, 0);
  }
  CoordinatorHarness test(directory);
  EXPECT_EQ(test.store().GetDataset("demos")->episodes(), acknowledged);
  TestWorker actor(test, ActorNamed("actor"));
  EXPECT_TRUE(RollOut(test, "actor", actor.NextWork().actor().stage(), 10).ok());
  const v1::Experiment experiment = test.AwaitFinished(id);
  EXPECT_EQ(experiment.status(), v1::STATUS_SUCCEEDED) << experiment.error();
  EXPECT_EQ(experiment.stages(0).collect().episodes(), 500);
  EXPECT_TRUE(test.store().VerifyDataset("demos")->problems().empty());
}

TEST(RestartedCoordinator, KeepsTheOutcomesOfAnEvaluation) {
  TemporaryDirectory directory;
  std::string id;
  {
    CoordinatorHarness test(directory);
    StoreExpert(test);
    TestWorker actor(test, ActorNamed("actor"));
    v1::ExperimentSpec spec = EmptyExperiment();
    AddEvaluate(spec, "expert", 200);
    id = test.Submit(spec);
    RollOut(test, "actor", actor.NextWork().actor().stage(), 10, 1).IgnoreError();
    EXPECT_GT(test.Get(id).stages(0).progress().done(), 0);
  }
  CoordinatorHarness test(directory);
  const int64_t kept = test.Get(id).stages(0).progress().done();
  EXPECT_GT(kept, 0);
  TestWorker actor(test, ActorNamed("actor"));
  // Other episodes are twenty steps long: the mean tells which are which.
  EXPECT_TRUE(RollOut(test, "actor", actor.NextWork().actor().stage(), 20).ok());
  const v1::EvaluateResult result = test.AwaitFinished(id).stages(0).evaluate();
  EXPECT_EQ(result.episodes(), 200);
  EXPECT_NEAR(result.mean_return(), (10.0 * kept + 20.0 * (200 - kept)) / 200, 1e-9);
}

TEST(RestartedCoordinator, BetweenADatasetsEndAndItsStagesEndItFinishesTheStage) {
  TemporaryDirectory directory;
  std::string id;
  {
    CoordinatorHarness test(directory);
    StoreExpert(test);
    TestWorker actor(test, ActorNamed("actor"));
    v1::ExperimentSpec spec = EmptyExperiment();
    AddCollect(spec, "expert", "demos", 5'000);
    id = test.Submit(spec);
    RollOut(test, "actor", actor.NextWork().actor().stage(), 10, 1).IgnoreError();
    test.coordinator().Stop();
    const int64_t stored = test.store().GetDataset("demos")->episodes();
    ASSERT_TRUE(test.store().CompleteDataset("demos", stored).ok());
  }
  CoordinatorHarness test(directory);
  const v1::Experiment experiment = test.Get(id);
  EXPECT_EQ(experiment.status(), v1::STATUS_SUCCEEDED) << experiment.error();
  EXPECT_EQ(experiment.stages(0).collect().digest(), test.store().ComputeDatasetDigest("demos").value());
  EXPECT_EQ(experiment.stages(0).trajectories().accepted(), experiment.stages(0).collect().episodes());
}

TEST(RestartedCoordinator, FindsWhatFinishedBeforeARestart) {
  TemporaryDirectory directory;
  std::string id;
  {
    CoordinatorHarness test(directory);
    TestWorker learner(test, LearnerNamed("learner"));
    id = test.Submit(OneTraining());
    test.FinishTraining(learner.NextWork().learner());
  }
  CoordinatorHarness test(directory);
  EXPECT_EQ(test.Get(id).status(), v1::STATUS_SUCCEEDED);
}

}  // namespace
}  // namespace understudy
