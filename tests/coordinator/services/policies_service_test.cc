#include "coordinator/services/policies_service.h"

#include <gtest/gtest.h>

#include "common/rpc/channel.h"
#include "tests/coordinator/coordinator_harness.h"
#include "tests/testing/listing.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy {
namespace {

using testing::AddTrain;
using testing::CoordinatorHarness;
using testing::EmptyExperiment;
using testing::LearnerNamed;
using testing::TemporaryDirectory;
using testing::TestSnapshot;
using testing::TestWorker;

// The stage that a learner trains "expert" in.
v1::StageKey StartTraining(CoordinatorHarness& test, TestWorker& learner) {
  v1::ExperimentSpec spec = EmptyExperiment();
  AddTrain(spec, "expert");
  test.Submit(spec);
  return learner.NextWork().learner().stage();
}

TEST(PoliciesService, WhatIsPublishedCanBeDownloaded) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("learner"));
  const v1::StageKey stage = StartTraining(test, learner);
  const auto snapshot = TestSnapshot("expert", 1);
  EXPECT_EQ(test.Publish(stage, *snapshot).value(), 1);
  EXPECT_EQ(test.Publish(stage, *snapshot).value(), 1);
  EXPECT_EQ(test.Publish(stage, *TestSnapshot("expert", 2)).value(), 2);

  grpc::ClientContext context;
  v1::GetPolicyRequest request;
  request.set_name("expert");
  request.set_version(1);
  const auto stub = v1::Policies::NewStub(test.channel());
  const auto reader = stub->Download(&context, request);
  SnapshotAssembler assembler;
  std::shared_ptr<const PolicySnapshot> downloaded;
  v1::PolicyChunk chunk;
  while (reader->Read(&chunk)) downloaded = assembler.Add(chunk).value();
  EXPECT_TRUE(reader->Finish().ok());
  ASSERT_NE(downloaded, nullptr);
  EXPECT_EQ(downloaded->parameters, snapshot->parameters);
  EXPECT_EQ(test.store().GetPolicy("expert", 1)->experiment_id(), stage.experiment_id());
}

grpc::Status Delete(CoordinatorHarness& test, const std::string& name, int64_t version) {
  grpc::ClientContext context;
  v1::DeletePolicyRequest request;
  request.set_name(name);
  request.set_version(version);
  v1::DeletePolicyResponse response;
  return v1::Policies::NewStub(test.channel())->Delete(&context, request, &response);
}

TEST(PoliciesService, DeletesOnlyVersionsThatNoUnfinishedExperimentUses) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  for (const int content : {1, 2}) ASSERT_TRUE(test.store().AddPolicy(*TestSnapshot("expert", content), {}).ok());
  v1::ExperimentSpec spec = EmptyExperiment();
  testing::AddEvaluate(spec, "expert@1", 10);
  const std::string id = test.Submit(spec);
  const grpc::Status used = Delete(test, "expert", 1);
  EXPECT_EQ(used.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_NE(used.error_message().find(id), std::string::npos);
  EXPECT_EQ(Delete(test, "expert", 0).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_TRUE(Delete(test, "expert", 2).ok());
  EXPECT_EQ(Delete(test, "expert", 2).error_code(), grpc::StatusCode::NOT_FOUND);
  test.Cancel(id);
  EXPECT_TRUE(Delete(test, "expert", 0).ok());
  EXPECT_TRUE(testing::AllPolicies(test.store()).empty());
}

TEST(PoliciesService, RefusesASnapshotWhoseDigestIsWrong) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("learner"));
  const v1::StageKey stage = StartTraining(test, learner);
  PolicySnapshot damaged = *TestSnapshot("expert", 1);
  damaged.parameters[0] ^= 1;
  EXPECT_TRUE(absl::IsDataLoss(test.Publish(stage, damaged).status()));
  EXPECT_TRUE(testing::AllPolicies(test.store()).empty());
}

TEST(PoliciesService, RefusesASnapshotThatEndsEarly) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("learner"));
  const v1::StageKey stage = StartTraining(test, learner);
  PolicySnapshot cut = *TestSnapshot("expert", 1);
  cut.parameters.resize(cut.parameters.size() - 4);
  EXPECT_TRUE(absl::IsInvalidArgument(test.Publish(stage, cut).status()));
}

TEST(PoliciesService, RefusesWhoeverMayNotPublishBeforeThePolicyIsSent) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("learner"));
  v1::PublishPolicyRequest stage;
  *stage.mutable_stage() = StartTraining(test, learner);
  stage.mutable_stage()->set_epoch(stage.stage().epoch() - 1);
  grpc::ClientContext context;
  SetDeadline(context, absl::Seconds(30));
  v1::PublishPolicyResponse response;
  const auto stub = v1::Policies::NewStub(test.channel());
  const auto writer = stub->Publish(&context, &response);
  writer->Write(stage);
  // The stream is left open: only the server can end it.
  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::ABORTED);
}

TEST(PoliciesService, RefusesAPolicyThatTheStageDoesNotMake) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("learner"));
  const v1::StageKey stage = StartTraining(test, learner);
  EXPECT_TRUE(absl::IsInvalidArgument(test.Publish(stage, *TestSnapshot("another", 1)).status()));
}

TEST(PoliciesService, OfAStoreAloneItPublishesNothing) {
  TemporaryDirectory directory;
  const auto data = DataDirectory::Open(directory.File("data"), DataDirectory::Mode::kCreate).value();
  PoliciesService service(data->store());
  v1::StoredPolicy policy;
  v1::GetPolicyRequest request;
  request.set_name("expert");
  grpc::ServerContext context;
  EXPECT_EQ(service.Get(&context, &request, &policy).error_code(), grpc::StatusCode::NOT_FOUND);
  ASSERT_TRUE(data->store().AddPolicy(*TestSnapshot("expert", 1), v1::StageKey()).ok());
  EXPECT_TRUE(service.Get(&context, &request, &policy).ok());
  EXPECT_EQ(policy.header().version(), 1);
  v1::PublishPolicyResponse response;
  EXPECT_EQ(service.Publish(&context, nullptr, &response).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

}  // namespace
}  // namespace understudy
