#include "coordinator/services/experiments_service.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/rpc/channel.h"
#include "tests/coordinator/coordinator_harness.h"

namespace understudy {
namespace {

using testing::AddTrain;
using testing::CoordinatorHarness;
using testing::EmptyExperiment;
using testing::LearnerNamed;
using testing::TemporaryDirectory;
using testing::TestWorker;

v1::ExperimentSpec OneTraining() {
  v1::ExperimentSpec spec = EmptyExperiment();
  AddTrain(spec, "expert");
  return spec;
}

TEST(ExperimentsService, WatchShowsTheStateNowAndEndsAfterTheLast) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  const std::string id = test.Submit(OneTraining());
  grpc::ClientContext context;
  SetDeadline(context, absl::Seconds(30));
  v1::WatchExperimentRequest request;
  request.set_id(id);
  const auto stub = v1::Experiments::NewStub(test.channel());
  const auto reader = stub->Watch(&context, request);
  v1::Experiment experiment;
  ASSERT_TRUE(reader->Read(&experiment));
  EXPECT_EQ(experiment.status(), v1::STATUS_RUNNING);
  test.Cancel(id);
  while (reader->Read(&experiment)) {
  }
  EXPECT_EQ(experiment.status(), v1::STATUS_CANCELLED);
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(test.AwaitFinished(id).status(), v1::STATUS_CANCELLED);
}

TEST(ExperimentsService, ASlowWatcherMissesIntermediateStatesButNotTheLast) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("learner"));
  const std::string id = test.Submit(OneTraining());
  const v1::Assignment assignment = learner.NextWork();
  const v1::LearnerWork& work = assignment.learner();
  grpc::ClientContext context;
  SetDeadline(context, absl::Seconds(30));
  v1::WatchExperimentRequest request;
  request.set_id(id);
  const auto stub = v1::Experiments::NewStub(test.channel());
  const auto reader = stub->Watch(&context, request);
  v1::Experiment experiment;
  ASSERT_TRUE(reader->Read(&experiment));
  constexpr int kReports = 200;
  for (int i = 1; i <= kReports; ++i) {
    learner.Heartbeat(assignment.epoch());  // this may take longer than its lease
    ASSERT_TRUE(test.ReportProgress(work.stage(), i).ok());
  }
  test.FinishTraining(work);
  int64_t last_iteration = 0;
  while (reader->Read(&experiment)) {
    EXPECT_GE(experiment.stages(0).progress().iteration(), last_iteration);
    last_iteration = experiment.stages(0).progress().iteration();
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(experiment.status(), v1::STATUS_SUCCEEDED);
  EXPECT_EQ(last_iteration, kReports);
}

TEST(ExperimentsService, UnknownExperimentsAreNotFound) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  const auto stub = v1::Experiments::NewStub(test.channel());
  {
    grpc::ClientContext context;
    v1::Experiment experiment;
    v1::GetExperimentRequest request;
    request.set_id("nothing");
    EXPECT_EQ(stub->Get(&context, request, &experiment).error_code(), grpc::StatusCode::NOT_FOUND);
  }
  {
    grpc::ClientContext context;
    SetDeadline(context, absl::Seconds(30));
    v1::WatchExperimentRequest request;
    request.set_id("nothing");
    EXPECT_EQ(stub->Watch(&context, request)->Finish().error_code(), grpc::StatusCode::NOT_FOUND);
  }
  {
    grpc::ClientContext context;
    v1::Experiment experiment;
    v1::CancelExperimentRequest request;
    request.set_id("nothing");
    EXPECT_EQ(stub->Cancel(&context, request, &experiment).error_code(), grpc::StatusCode::NOT_FOUND);
  }
}

TEST(ExperimentsService, ListsMetricsOfStagesThatThereAre) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker learner(test, LearnerNamed("learner"));
  v1::ListMetricsRequest request;
  request.set_id(test.Submit(OneTraining()));
  const v1::StageKey stage = learner.NextWork().learner().stage();
  for (const int iteration : {1, 2, 2, 3}) ASSERT_TRUE(test.ReportProgress(stage, iteration).ok());
  const auto stub = v1::Experiments::NewStub(test.channel());
  {
    grpc::ClientContext context;
    v1::ListMetricsResponse response;
    ASSERT_TRUE(stub->ListMetrics(&context, request, &response).ok());
    ASSERT_EQ(response.metrics_size(), 3);
    EXPECT_EQ(response.metrics(2).iteration(), 3);
  }
  request.set_stage(1);
  grpc::ClientContext context;
  v1::ListMetricsResponse response;
  EXPECT_EQ(stub->ListMetrics(&context, request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

grpc::Status Delete(CoordinatorHarness& test, const std::vector<std::string>& ids) {
  grpc::ClientContext context;
  v1::DeleteExperimentsRequest request;
  request.mutable_ids()->Add(ids.begin(), ids.end());
  v1::DeleteExperimentsResponse response;
  return v1::Experiments::NewStub(test.channel())->Delete(&context, request, &response);
}

TEST(ExperimentsService, ListsPageAfterPageAndOnlyWhatHasNotFinished) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(test.Submit(OneTraining()));
  test.Cancel(ids[1]);
  const auto stub = v1::Experiments::NewStub(test.channel());
  v1::ListExperimentsRequest request;
  request.set_page_size(2);
  request.set_unfinished(true);
  std::vector<std::string> listed;
  for (int pages = 0; pages < 1 || !request.page_token().empty(); ++pages) {
    grpc::ClientContext context;
    v1::ListExperimentsResponse response;
    ASSERT_TRUE(stub->List(&context, request, &response).ok());
    for (const v1::Experiment& experiment : response.experiments()) listed.push_back(experiment.id());
    request.set_page_token(response.next_page_token());
  }
  EXPECT_EQ(listed, std::vector<std::string>({ids[2], ids[0]}));
  grpc::ClientContext context;
  v1::ListExperimentsResponse response;
  request.set_page_token("rubbish");
  EXPECT_EQ(stub->List(&context, request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(ExperimentsService, DeletesWhatHasFinishedAndNothingElse) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  const std::string first = test.Submit(OneTraining());
  const std::string second = test.Submit(OneTraining());
  test.Cancel(first);
  const grpc::Status refused = Delete(test, {first, second});
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_NE(refused.error_message().find(second), std::string::npos);
  EXPECT_EQ(test.Get(first).status(), v1::STATUS_CANCELLED);
  EXPECT_TRUE(Delete(test, {first}).ok());
  EXPECT_EQ(Delete(test, {first}).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Delete(test, {}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(test.Get(second).status(), v1::STATUS_RUNNING);
}

TEST(ExperimentsService, RefusesATokenWithoutEnd) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  grpc::ClientContext context;
  v1::SubmitRequest request;
  *request.mutable_spec() = OneTraining();
  request.set_token(std::string(129, 't'));
  v1::SubmitResponse response;
  EXPECT_EQ(v1::Experiments::NewStub(test.channel())->Submit(&context, request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace
}  // namespace understudy
