#include "coordinator/coordinator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/coordinator_harness.h"
#include "tests/testing/listing.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using testing::ActorNamed;
using testing::AddCollect;
using testing::AddEvaluate;
using testing::AddTrain;
using testing::CoordinatorHarness;
using testing::EmptyExperiment;
using testing::Failure;
using ::testing::HasSubstr;
using testing::LearnerNamed;
using testing::OneTraining;
using testing::RollOut;
using ::testing::SizeIs;
using testing::StoreExpert;
using testing::TemporaryDirectory;
using testing::TestWorker;

TEST(Coordinator, RunsTrainingThenCollectingThenEvaluation) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("learner"));
  TestWorker actor(test, ActorNamed("actor"));
  v1::ExperimentSpec spec = EmptyExperiment();
  AddTrain(spec, "expert");
  AddCollect(spec, "expert", "demos", 95);
  AddEvaluate(spec, "expert", 3);
  const std::string id = test.Submit(spec);
  EXPECT_THAT(id, ::testing::MatchesRegex("test-[0-9a-f]{6}"));

  const v1::Assignment training = learner.NextWork();
  EXPECT_EQ(training.learner().environment(), "CartPole-v1");
  EXPECT_EQ(training.learner().train().ppo().environment_steps(), 153'600);
  EXPECT_EQ(actor.NextWork().actor().rollouts_addresses(0), "127.0.0.1:7");
  EXPECT_TRUE(test.ReportProgress(training.learner().stage(), 1).ok());
  test.FinishTraining(training.learner());

  // Ten steps an episode: the shortest prefix with 95 transitions is ten episodes.
  EXPECT_TRUE(RollOut(test, "actor", actor.NextWork().actor().stage(), 10).ok());
  EXPECT_TRUE(RollOut(test, "actor", actor.NextWork().actor().stage(), 20).ok());

  const v1::Experiment experiment = test.AwaitFinished(id);
  EXPECT_EQ(experiment.status(), v1::STATUS_SUCCEEDED) << experiment.error();
  const v1::TrainResult& train = experiment.stages(0).train();
  EXPECT_EQ(train.policy(), "expert");
  EXPECT_EQ(train.policy_version(), 1);
  EXPECT_EQ(train.policy_digest(), testing::TestSnapshot("expert", 1)->Digest());
  const v1::CollectResult& collect = experiment.stages(1).collect();
  EXPECT_EQ(collect.episodes(), 10);
  EXPECT_EQ(collect.transitions(), 100);
  EXPECT_EQ(collect.mean_return(), 10);
  EXPECT_EQ(collect.digest(), test.store().ComputeDatasetDigest("demos").value());
  const v1::EvaluateResult& evaluate = experiment.stages(2).evaluate();
  EXPECT_EQ(evaluate.episodes(), 3);
  EXPECT_EQ(evaluate.mean_return(), 20);
  EXPECT_EQ(evaluate.std_return(), 0);
  EXPECT_THAT(testing::AllMetrics(test.store(), id, 0), SizeIs(1));
  EXPECT_EQ(test.store().GetExperiment(id)->status(), v1::STATUS_SUCCEEDED);
}

TEST(Coordinator, CountsWhatCameToItsStagesAndHowExperimentsEnded) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  StoreExpert(test);
  TestWorker actor(test, ActorNamed("actor"));
  v1::ExperimentSpec spec = EmptyExperiment();
  AddEvaluate(spec, "expert", 3);
  AddEvaluate(spec, "expert", 2);
  const std::string id = test.Submit(spec);
  const v1::Assignment first = actor.NextWork();
  const CoordinatorStatus running = test.coordinator().Observe().value();
  ASSERT_THAT(running.unfinished, SizeIs(1));
  EXPECT_EQ(running.unfinished[0].id(), id);
  EXPECT_EQ(running.workers.at(v1::WORKER_KIND_ACTOR).attached, 1);
  EXPECT_EQ(running.workers.at(v1::WORKER_KIND_ACTOR).assigned, 1);
  EXPECT_EQ(running.received.produced(), 0);
  EXPECT_TRUE(RollOut(test, "actor", first.actor().stage(), 10).ok());
  EXPECT_TRUE(RollOut(test, "actor", actor.NextWork().actor().stage(), 10).ok());
  EXPECT_EQ(test.AwaitFinished(id).status(), v1::STATUS_SUCCEEDED);
  const CoordinatorStatus ended = test.coordinator().Observe().value();
  EXPECT_TRUE(ended.unfinished.empty());
  EXPECT_EQ(ended.finished.at(v1::STATUS_SUCCEEDED), 1);
  EXPECT_EQ(ended.received.accepted(), 5);  // of both stages
  EXPECT_EQ(ended.leased_requests, 0);
}

TEST(Coordinator, TheSameTokenIsTheSameExperiment) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  v1::SubmitRequest request;
  *request.mutable_spec() = OneTraining();
  request.set_token("token");
  const std::string id = test.coordinator().Submit(request).value();
  EXPECT_EQ(test.coordinator().Submit(request).value(), id);
  request.set_token("another");
  EXPECT_NE(test.coordinator().Submit(request).value(), id);
  EXPECT_THAT(test.coordinator().ListExperiments({}, {}).value().items, SizeIs(2));
}

TEST(Coordinator, ARefusedExperimentLeavesNothingBehind) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  v1::SubmitRequest request;
  *request.mutable_spec() = EmptyExperiment();
  AddEvaluate(*request.mutable_spec(), "nobody", 1);
  EXPECT_TRUE(absl::IsNotFound(test.coordinator().Submit(request).status()));
  EXPECT_THAT(test.coordinator().ListExperiments({}, {}).value().items, SizeIs(0));
}

TEST(Coordinator, ALearnersErrorFailsTheStage) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("learner"));
  const std::string id = test.Submit(OneTraining());
  EXPECT_TRUE(test.FinishStage(Failure(learner.NextWork().learner().stage(), "loss is NaN")).ok());
  const v1::Experiment experiment = test.Get(id);
  EXPECT_EQ(experiment.status(), v1::STATUS_FAILED);
  EXPECT_EQ(experiment.error(), "stage 1 (train expert): loss is NaN");
  learner.AwaitIdle();
}

TEST(Coordinator, FinishingAgainIsFineButWithAnotherEpochIsAborted) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("learner"));
  test.Submit(OneTraining());
  v1::StageKey stage = learner.NextWork().learner().stage();
  EXPECT_TRUE(test.FinishStage(Failure(stage, "no")).ok());
  EXPECT_TRUE(test.FinishStage(Failure(stage, "no")).ok());
  stage.set_epoch(stage.epoch() + 1);
  EXPECT_TRUE(absl::IsAborted(test.FinishStage(Failure(stage, "no"))));
}

TEST(Coordinator, RefusesAResultWhoseVersionWasNotPublished) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("learner"));
  const std::string id = test.Submit(OneTraining());
  v1::FinishStageRequest request;
  *request.mutable_stage() = learner.NextWork().learner().stage();
  for (const int64_t version : {-1, 0, 1}) {
    request.mutable_result()->set_policy_version(version);
    EXPECT_TRUE(absl::IsInvalidArgument(test.FinishStage(request)));
  }
  // Of another content.
  const auto snapshot = testing::TestSnapshot("expert", 1);
  request.mutable_result()->set_policy_version(test.Publish(request.stage(), *snapshot).value());
  request.mutable_result()->set_policy_digest(std::string(32, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(test.FinishStage(request)));
  EXPECT_EQ(test.Get(id).status(), v1::STATUS_RUNNING);
}

TEST(Coordinator, AnotherLearnerTakesOverAndTheFirstIsFenced) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker first(test, LearnerNamed("first"));
  const std::string id = test.Submit(OneTraining());
  const v1::StageKey old = first.NextWork().learner().stage();
  EXPECT_TRUE(first.Leave().ok());

  TestWorker second(test, LearnerNamed("second"));
  const v1::LearnerWork work = second.NextWork().learner();
  EXPECT_GT(work.stage().epoch(), old.epoch());
  const absl::Status late = test.ReportProgress(old, 1);
  EXPECT_TRUE(absl::IsAborted(late));
  EXPECT_THAT(std::string(late.message()), HasSubstr(std::to_string(old.epoch())));
  EXPECT_THAT(std::string(late.message()), HasSubstr(std::to_string(work.stage().epoch())));
  EXPECT_TRUE(absl::IsAborted(test.Publish(old, *testing::TestSnapshot("expert", 1)).status()));
  EXPECT_TRUE(absl::IsAborted(test.FinishStage(Failure(old, "late"))));
  test.FinishTraining(work);
  EXPECT_EQ(test.AwaitFinished(id).status(), v1::STATUS_SUCCEEDED);
}

TEST(Coordinator, AnyOfSeveralLearnersMayFailTheirStage) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  v1::ExperimentSpec spec = OneTraining();
  spec.mutable_stages(0)->mutable_train()->set_learners(2);
  const std::string id = test.Submit(spec);
  TestWorker first(test, LearnerNamed("first"));
  EXPECT_EQ(first.Next().value().epoch(), 0);
  EXPECT_EQ(test.Get(id).stages(0).waiting_for(), "2 learners: 1 is attached");
  TestWorker second(test, LearnerNamed("second"));
  const v1::LearnerWork work = second.NextWork().learner();
  EXPECT_EQ(work.rank(), 1);
  EXPECT_EQ(work.first_address(), LearnerNamed("first").rollouts_address());
  EXPECT_EQ(first.NextWork().learner().rank(), 0);
  EXPECT_TRUE(test.FinishStage(Failure(work.stage(), "rank 1: no memory")).ok());
  EXPECT_EQ(test.AwaitFinished(id).stages(0).error(), "rank 1: no memory");
  first.AwaitIdle();
  second.AwaitIdle();
}

TEST(Coordinator, CancelsWhileAStageWaitsForALearner) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  const std::string id = test.Submit(OneTraining());
  EXPECT_EQ(test.Get(id).status(), v1::STATUS_RUNNING);
  EXPECT_EQ(test.Cancel(id).status(), v1::STATUS_CANCELLED);
  EXPECT_EQ(test.Cancel(id).status(), v1::STATUS_CANCELLED);
  EXPECT_EQ(test.Get(id).stages(0).status(), v1::STATUS_CANCELLED);
}

TEST(Coordinator, CancellingATrainingFreesItsWorkers) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("learner"));
  TestWorker actor(test, ActorNamed("actor"));
  const std::string id = test.Submit(OneTraining());
  const v1::StageKey stage = learner.NextWork().learner().stage();
  actor.NextWork();
  test.Cancel(id);
  learner.AwaitIdle();
  actor.AwaitIdle();
  EXPECT_TRUE(absl::IsAborted(test.ReportProgress(stage, 1)));
}

TEST(Coordinator, ACancelledCollectKeepsWhatWasAcknowledgedAndResumedItGoesOnFromThere) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  StoreExpert(test);
  TestWorker actor(test, ActorNamed("actor"));
  v1::ExperimentSpec spec = EmptyExperiment();
  AddCollect(spec, "expert", "demos", 5'000);
  const std::string id = test.Submit(spec);
  RollOut(test, "actor", actor.NextWork().actor().stage(), 10, 1).IgnoreError();
  const int64_t before = test.store().GetDataset("demos")->transitions();
  EXPECT_GT(before, 0);
  EXPECT_GT(test.Get(id).stages(0).progress().done(), 0);
  EXPECT_EQ(test.Cancel(id).status(), v1::STATUS_CANCELLED);
  EXPECT_EQ(test.store().GetDataset("demos")->transitions(), before);
  actor.AwaitIdle();

  const v1::Experiment resumed = test.coordinator().Resume(id).value();
  EXPECT_EQ(resumed.status(), v1::STATUS_RUNNING);
  EXPECT_EQ(resumed.stages(0).progress().done(), before);
  EXPECT_TRUE(RollOut(test, "actor", actor.NextWork().actor().stage(), 10).ok());
  const v1::Experiment experiment = test.AwaitFinished(id);
  EXPECT_EQ(experiment.status(), v1::STATUS_SUCCEEDED) << experiment.error();
  EXPECT_EQ(experiment.stages(0).collect().transitions(), 5'000);
  EXPECT_TRUE(test.store().VerifyDataset("demos")->problems().empty());
}

TEST(Coordinator, ResumesWhatFailedAtTheStageThatFailed) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("learner"));
  v1::ExperimentSpec spec = OneTraining();
  AddTrain(spec, "second");
  const std::string id = test.Submit(spec);
  test.FinishTraining(learner.NextWork().learner());
  const v1::StageKey failed = learner.NextWork().learner().stage();
  EXPECT_TRUE(test.FinishStage(Failure(failed, "out of memory")).ok());
  learner.AwaitIdle();
  EXPECT_EQ(test.coordinator().Resume(id)->stages(0).status(), v1::STATUS_SUCCEEDED);
  const v1::LearnerWork again = learner.NextWork().learner();
  EXPECT_EQ(again.stage().stage(), 1);
  EXPECT_GT(again.stage().epoch(), failed.epoch());
  test.FinishTraining(again);
  EXPECT_EQ(test.AwaitFinished(id).status(), v1::STATUS_SUCCEEDED);
}

TEST(Coordinator, ResumingChangesNothingThatRunsAndIsRefusedForWhatSucceeded) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("learner"));
  const std::string id = test.Submit(OneTraining());
  const v1::LearnerWork work = learner.NextWork().learner();
  EXPECT_EQ(test.coordinator().Resume(id)->status(), v1::STATUS_RUNNING);
  test.FinishTraining(work);
  const absl::Status refused = test.coordinator().Resume(id).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr(id));
  EXPECT_TRUE(absl::IsNotFound(test.coordinator().Resume("nobody-000000").status()));
}

TEST(Coordinator, WhatALostActorHeldGoesToAnother) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  StoreExpert(test);
  TestWorker first(test, ActorNamed("first"));
  TestWorker second(test, ActorNamed("second"));
  v1::ExperimentSpec spec = EmptyExperiment();
  AddCollect(spec, "expert", "demos", 5'000);
  const std::string id = test.Submit(spec);
  RollOut(test, "first", first.NextWork().actor().stage(), 10, 1).IgnoreError();
  EXPECT_TRUE(RollOut(test, "second", second.NextWork().actor().stage(), 10).ok());
  const v1::Experiment experiment = test.AwaitFinished(id);
  EXPECT_EQ(experiment.stages(0).collect().transitions(), 5'000);
  EXPECT_TRUE(test.store().VerifyDataset("demos")->problems().empty());
}

TEST(Coordinator, TheSameRecipeIsNotCollectedTwice) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  StoreExpert(test);
  v1::ExperimentSpec spec = EmptyExperiment();
  AddCollect(spec, "expert", "demos", 50);
  std::string digest;
  {
    TestWorker actor(test, ActorNamed("actor"));
    const std::string id = test.Submit(spec);
    EXPECT_TRUE(RollOut(test, "actor", actor.NextWork().actor().stage(), 10).ok());
    digest = test.AwaitFinished(id).stages(0).collect().digest();
  }
  const v1::Experiment again = test.Get(test.Submit(spec));
  EXPECT_EQ(again.status(), v1::STATUS_SUCCEEDED);
  EXPECT_EQ(again.stages(0).collect().digest(), digest);
}

TEST(Coordinator, TwoExperimentsCannotCollectOneDataset) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  StoreExpert(test);
  v1::ExperimentSpec spec = EmptyExperiment();
  AddCollect(spec, "expert", "demos", 50);
  const std::string first = test.Submit(spec);
  const v1::Experiment second = test.Get(test.Submit(spec));
  EXPECT_EQ(second.status(), v1::STATUS_FAILED);
  EXPECT_THAT(second.error(), HasSubstr("dataset demos is being collected by experiment " + first));
  EXPECT_EQ(test.Get(first).status(), v1::STATUS_RUNNING);
  EXPECT_TRUE(test.store().GetDataset("demos").ok());
}

TEST(Coordinator, SharesActorsBetweenExperiments) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  StoreExpert(test);
  v1::ExperimentSpec spec = EmptyExperiment();
  AddEvaluate(spec, "expert", 1'000);
  const std::string a = test.Submit(spec);
  const std::string b = test.Submit(spec);
  TestWorker first(test, ActorNamed("first"));
  TestWorker second(test, ActorNamed("second"));
  const std::string of_first = first.NextWork().actor().stage().experiment_id();
  const std::string of_second = second.NextWork().actor().stage().experiment_id();
  EXPECT_NE(of_first, of_second);
  EXPECT_EQ(test.Get(a).stages(0).workers(), 1);
  EXPECT_EQ(test.Get(b).stages(0).workers(), 1);
}

TEST(Coordinator, RolloutsOfAnotherEpochAreRefusedByName) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  StoreExpert(test);
  TestWorker actor(test, ActorNamed("actor"));
  v1::ExperimentSpec spec = EmptyExperiment();
  AddEvaluate(spec, "expert", 1);
  test.Submit(spec);
  v1::StageKey stage = actor.NextWork().actor().stage();
  const int64_t current = stage.epoch();
  stage.set_epoch(current - 1);
  const absl::Status status = RollOut(test, "actor", stage, 10);
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr(std::to_string(current)));
  EXPECT_THAT(std::string(status.message()), HasSubstr(std::to_string(current - 1)));
}

TEST(Coordinator, StoppedItSaysSo) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker actor(test, ActorNamed("actor"));
  ASSERT_TRUE(actor.Next().ok());
  test.coordinator().Stop();
  EXPECT_TRUE(absl::IsUnavailable(actor.Finish()));
  EXPECT_TRUE(absl::IsUnavailable(test.coordinator().ListWorkers("", 1).status()));
}

}  // namespace
}  // namespace understudy
