#include "learner/learner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/rpc/server.h"
#include "learner/checkpoint.h"
#include "tests/testing/fake_checkpoints_service.h"
#include "tests/testing/fake_training_context.h"
#include "tests/testing/fake_workers_service.h"
#include "tests/testing/log_capture.h"
#include "tests/testing/training_inputs.h"
#include "tests/testing/trajectory_batches.h"
#include "understudy/v1/datasets.grpc.pb.h"
#include "understudy/v1/policy.grpc.pb.h"

namespace understudy {
namespace {

class OneDataset final : public v1::Datasets::Service {
 public:
  OneDataset()
      : demonstrations_(*testing::RecordDemonstrations(testing::CartPoleSpec(), testing::BalancingExpert(), 0, 1000)) {
    v1::DatasetRecipe& recipe = *demonstrations_.dataset.mutable_recipe();
    *recipe.mutable_policy() = testing::BalancingExpert()->header;
    recipe.set_action_mode(v1::ACTION_MODE_SAMPLE);
    for (v1::TrajectoryBatch& batch : demonstrations_.batches) {
      batch.set_environment("CartPole-v1");
      batch.set_policy(recipe.policy().name());
      batch.set_policy_version(recipe.policy().version());
      batch.set_action_mode(recipe.action_mode());
    }
  }
  grpc::Status Get(grpc::ServerContext*, const v1::GetDatasetRequest*, v1::Dataset* dataset) override {
    *dataset = demonstrations_.dataset;
    return grpc::Status::OK;
  }
  grpc::Status Read(grpc::ServerContext*, const v1::ReadDatasetRequest*,
                    grpc::ServerWriter<v1::TrajectoryBatch>* writer) override {
    for (const v1::TrajectoryBatch& batch : demonstrations_.batches) writer->Write(batch);
    return grpc::Status::OK;
  }

 private:
  Demonstrations demonstrations_;
};

class NumberingPolicies final : public v1::Policies::Service {
 public:
  grpc::Status Publish(grpc::ServerContext*, grpc::ServerReader<v1::PublishPolicyRequest>* reader,
                       v1::PublishPolicyResponse* response) override {
    v1::PublishPolicyRequest request;
    while (reader->Read(&request)) {
    }
    response->set_version(1);
    return grpc::Status::OK;
  }
};

// All of a coordinator that a learner of behavioural cloning needs.
struct FakeCoordinator {
  testing::FakeWorkersService workers;
  testing::FakeCheckpointsService checkpoints;
  OneDataset datasets;
  NumberingPolicies policies;
  std::unique_ptr<RpcServer> server = *RpcServer::Start({}, {&workers, &checkpoints, &datasets, &policies});

  // Of a stage of so many epochs, with more options of behavioural cloning.
  void Assign(int64_t epoch, int epochs, const std::string& options = "") {
    v1::Assignment assignment;
    assignment.set_epoch(epoch);
    assignment.set_heartbeat_ms(50);
    v1::LearnerWork& work = *assignment.mutable_learner();
    work.mutable_stage()->set_experiment_id("e-1");
    work.mutable_stage()->set_epoch(epoch);
    work.set_environment("CartPole-v1");
    *work.mutable_train() = testing::CartPoleTraining(
                                "algorithm: 'bc' dataset: 'demonstrations' network { hidden_sizes: 8 } bc { epochs: " +
                                std::to_string(epochs) + " patience: 0 " + options + " }")
                                .stage;
    workers.Assign(assignment);
  }

  int64_t StoredIteration() {
    return checkpoints.content().has_value() ? ParseCheckpoint(*checkpoints.content())->iteration() : 0;
  }
};

// A learner on a thread of its own.
class RunningLearner {
 public:
  explicit RunningLearner(const FakeCoordinator& coordinator)
      : learner_(*Learner::Start({.coordinators = coordinator.server->address()})),
        thread_([this] { learner_->Run(); }) {}
  ~RunningLearner() {
    learner_->Stop();
    Join();
  }
  Learner* operator->() { return learner_.get(); }
  void Join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::unique_ptr<Learner> learner_;
  std::thread thread_;
};

constexpr int kForever = 1'000'000;

std::vector<int64_t> Iterations(const std::vector<v1::ProgressRequest>& reports) {
  std::vector<int64_t> iterations;
  for (const v1::ProgressRequest& report : reports) iterations.push_back(report.progress().iteration());
  return iterations;
}

std::vector<int64_t> UpTo(int64_t last) {
  std::vector<int64_t> numbers;
  for (int64_t i = 1; i <= last; ++i) numbers.push_back(i);
  return numbers;
}

TEST(Learner, DrainingEndsAfterAStoredIterationAndAnotherLearnerGoesOnFromThere) {
  FakeCoordinator coordinator;
  coordinator.Assign(1, kForever);
  {
    RunningLearner first(coordinator);
    coordinator.workers.AwaitProgress(5);
    first->Drain();
    first.Join();
  }
  const int64_t stored = coordinator.StoredIteration();
  EXPECT_GE(stored, 5);
  EXPECT_EQ(Iterations(coordinator.workers.progress()), UpTo(stored));
  EXPECT_TRUE(coordinator.workers.finished().empty());

  coordinator.Assign(2, static_cast<int>(stored) + 3);
  RunningLearner second(coordinator);
  ASSERT_EQ(coordinator.workers.AwaitFinished(1).size(), 1u);
  EXPECT_EQ(Iterations(coordinator.workers.progress()), UpTo(stored + 3));  // no gap, no duplicate
  EXPECT_EQ(coordinator.workers.progress().back().stage().epoch(), 2);
  EXPECT_EQ(coordinator.workers.finished()[0].result().iterations(), stored + 3);
}

TEST(Learner, WithoutAStageDrainingEndsAtOnce) {
  FakeCoordinator coordinator;
  RunningLearner learner(coordinator);
  learner->Drain();
  learner.Join();
}

TEST(Learner, AnIterationMayBeGivenUpWhileDraining) {
  FakeCoordinator coordinator;
  coordinator.Assign(1, kForever);
  coordinator.workers.RefuseProgress(grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting"));
  RunningLearner learner(coordinator);
  coordinator.workers.AwaitProgress(1);
  learner->Drain();
  learner->GiveUpIteration();
  learner->Stop();
  learner.Join();
  EXPECT_TRUE(coordinator.workers.finished().empty());
}

TEST(Learner, OneWhoseStageIsTakenAwayStopsAndSaysThatItIsFenced) {
  testing::LogCapture log;
  FakeCoordinator coordinator;
  coordinator.Assign(1, kForever);
  RunningLearner learner(coordinator);
  coordinator.workers.AwaitProgress(2);
  v1::Assignment idle;
  idle.set_epoch(2);
  coordinator.workers.Assign(idle);
  EXPECT_TRUE(log.Await("e-1 stage 1: given up: fenced: the coordinator took the stage away, epoch 1 is over"));
  EXPECT_TRUE(coordinator.workers.finished().empty());
}

TEST(Learner, OneThatIsToldAbortedGivesTheStageUpAndTakesTheNext) {
  testing::LogCapture log;
  FakeCoordinator coordinator;
  coordinator.Assign(1, kForever);
  RunningLearner learner(coordinator);
  coordinator.workers.AwaitProgress(2);
  coordinator.workers.RefuseProgress(grpc::Status(grpc::StatusCode::ABORTED, "somebody else has epoch 2"));
  EXPECT_TRUE(log.Await("e-1 stage 1: given up: fenced: somebody else has epoch 2"));
  EXPECT_TRUE(coordinator.workers.finished().empty());
  coordinator.workers.RefuseProgress(grpc::Status::OK);
  coordinator.checkpoints.set_content(std::nullopt);
  coordinator.Assign(2, 2);
  const std::vector<v1::FinishStageRequest> finished = coordinator.workers.AwaitFinished(1);
  ASSERT_EQ(finished.size(), 1u);
  EXPECT_EQ(finished[0].stage().epoch(), 2);
  EXPECT_TRUE(finished[0].has_result()) << finished[0].DebugString();
}

TEST(Learner, DeliversTheResultOnceTheCoordinatorHasRoomForIt) {
  testing::LogCapture log;
  FakeCoordinator coordinator;
  const grpc::Status full(grpc::StatusCode::RESOURCE_EXHAUSTED, "the disk is full");
  coordinator.workers.RefuseOutcomes({full, full, full});
  coordinator.Assign(1, 2);
  RunningLearner learner(coordinator);
  const std::vector<v1::FinishStageRequest> outcomes = coordinator.workers.AwaitFinished(4);
  ASSERT_EQ(outcomes.size(), 4u);
  for (const v1::FinishStageRequest& outcome : outcomes) {
    EXPECT_TRUE(outcome.has_result()) << outcome.DebugString();
    EXPECT_TRUE(outcome.has_trajectories());
  }
  EXPECT_TRUE(log.Await("did not take the outcome (RESOURCE_EXHAUSTED: the disk is full), trying again"));
}

TEST(Learner, AnOutcomeThatIsRefusedBecomesAnErrorUntilThatIsTaken) {
  FakeCoordinator coordinator;
  coordinator.workers.RefuseOutcomes({grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no such result"),
                                      grpc::Status(grpc::StatusCode::INTERNAL, "broken"),
                                      grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "the disk is full")});
  coordinator.Assign(1, 2);
  RunningLearner learner(coordinator);
  const std::vector<v1::FinishStageRequest> outcomes = coordinator.workers.AwaitFinished(4);
  ASSERT_EQ(outcomes.size(), 4u);
  EXPECT_TRUE(outcomes[0].has_result());
  for (size_t i = 1; i < outcomes.size(); ++i) {
    EXPECT_EQ(outcomes[i].error(), "the coordinator refused the outcome: no such result");
    EXPECT_FALSE(outcomes[i].has_trajectories());
  }
}

TEST(Learner, WhatWasReportedArrivesThoughTrainingFailsAfterwards) {
  FakeCoordinator coordinator;
  coordinator.workers.RefuseProgress(grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting"));
  coordinator.Assign(1, 50, "learning_rate: 1e30 minibatch_size: 4096");
  RunningLearner learner(coordinator);
  coordinator.workers.AwaitProgress(3);
  coordinator.workers.RefuseProgress(grpc::Status::OK);
  const std::vector<v1::FinishStageRequest> outcomes = coordinator.workers.AwaitFinished(1);
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_THAT(outcomes[0].error(), ::testing::HasSubstr("diverged"));
  EXPECT_EQ(Iterations(coordinator.workers.progress()), std::vector<int64_t>{1});
}

TEST(LearnerStage, AccountingsAddUpByReason) {
  v1::TrajectoryAccounting before, since;
  before.set_produced(12);
  before.set_accepted(10);
  (*before.mutable_rejected())["stale"] = 2;
  since.set_produced(9);
  since.set_accepted(5);
  (*since.mutable_rejected())["stale"] = 1;
  (*since.mutable_rejected())["surplus"] = 3;
  const v1::TrajectoryAccounting sum = Sum(before, since);
  EXPECT_EQ(sum.produced(), 21);
  EXPECT_EQ(sum.accepted(), 15);
  EXPECT_EQ(sum.rejected().at("stale"), 3);
  EXPECT_EQ(sum.rejected().at("surplus"), 3);
}

TEST(Learner, AStageWhoseCheckpointIsDamagedOrOfAnotherBeginsAnew) {
  FakeCoordinator coordinator;
  coordinator.Assign(1, 3);
  RunningLearner learner(coordinator);
  ASSERT_EQ(coordinator.workers.AwaitFinished(1).size(), 1u);
  v1::Checkpoint other = *ParseCheckpoint(*coordinator.checkpoints.content());
  const std::string digest = coordinator.workers.finished()[0].result().policy_digest();

  coordinator.checkpoints.set_content("nonsense");
  coordinator.Assign(2, 3);
  ASSERT_EQ(coordinator.workers.AwaitFinished(2).size(), 2u);
  other.set_fingerprint(std::string(32, 'f'));
  coordinator.checkpoints.set_content(other.SerializeAsString());
  coordinator.Assign(3, 3);
  ASSERT_EQ(coordinator.workers.AwaitFinished(3).size(), 3u);

  EXPECT_EQ(Iterations(coordinator.workers.progress()), (std::vector<int64_t>{1, 2, 3, 1, 2, 3, 1, 2, 3}));
  for (const v1::FinishStageRequest& finished : coordinator.workers.finished()) {
    EXPECT_EQ(ToHex(finished.result().policy_digest()), ToHex(digest));
  }
}

}  // namespace
}  // namespace understudy
