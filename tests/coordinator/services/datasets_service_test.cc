#include "coordinator/services/datasets_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/coordinator/coordinator_harness.h"
#include "tests/coordinator/storage/stored_content.h"
#include "tests/testing/listing.h"

namespace understudy {
namespace {

using testing::CoordinatorHarness;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryDirectory;

// Ten episodes of ten steps, named "demos".
void StoreDemonstrations(CoordinatorHarness& test) {
  ASSERT_TRUE(testing::MakeCompleteDataset(test.store(), "demos", 10, 10).ok());
}

grpc::Status Delete(CoordinatorHarness& test, const std::string& name) {
  grpc::ClientContext context;
  v1::DeleteDatasetRequest request;
  request.set_name(name);
  v1::DeleteDatasetResponse response;
  return v1::Datasets::NewStub(test.channel())->Delete(&context, request, &response);
}

grpc::Status Read(CoordinatorHarness& test, const std::string& name, int64_t first_episode,
                  std::vector<v1::TrajectoryBatch>& batches) {
  grpc::ClientContext context;
  v1::ReadDatasetRequest request;
  request.set_name(name);
  request.set_first_episode(first_episode);
  const auto stub = v1::Datasets::NewStub(test.channel());
  const auto reader = stub->Read(&context, request);
  v1::TrajectoryBatch batch;
  while (reader->Read(&batch)) batches.push_back(batch);
  return reader->Finish();
}

TEST(DatasetsService, ReadsWholeEpisodesFromTheOneAskedFor) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  StoreDemonstrations(test);
  std::vector<v1::TrajectoryBatch> batches;
  EXPECT_TRUE(Read(test, "demos", 7, batches).ok());
  EXPECT_THAT(testing::EpisodeNumbers(batches), ElementsAre(7, 8, 9));
  EXPECT_EQ(Read(test, "demos", -1, batches).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Read(test, "nothing", 0, batches).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST(DatasetsService, DoesNotReadWhatIsNotComplete) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  ASSERT_TRUE(test.store().CreateDataset(testing::NewDataset("half")).ok());
  std::vector<v1::TrajectoryBatch> batches;
  EXPECT_EQ(Read(test, "half", 0, batches).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST(DatasetsService, AnswersWithWhatTheStoreHas) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  StoreDemonstrations(test);
  const auto stub = v1::Datasets::NewStub(test.channel());
  {
    grpc::ClientContext context;
    v1::ListDatasetsResponse response;
    ASSERT_TRUE(stub->List(&context, {}, &response).ok());
    ASSERT_EQ(response.datasets_size(), 1);
    EXPECT_EQ(response.datasets(0).transitions(), 100);
  }
  {
    grpc::ClientContext context;
    v1::DigestDatasetRequest request;
    request.set_name("demos");
    v1::DigestDatasetResponse response;
    ASSERT_TRUE(stub->Digest(&context, request, &response).ok());
    EXPECT_EQ(response.digest(), testing::ExpectedDigest({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 10));
  }
  grpc::ClientContext context;
  v1::VerifyDatasetRequest request;
  request.set_name("demos");
  v1::VerifyDatasetResponse response;
  ASSERT_TRUE(stub->Verify(&context, request, &response).ok());
  EXPECT_EQ(response.episodes(), 10);
  EXPECT_EQ(response.problems_size(), 0);
}

TEST(DatasetsService, DeletesOnlyWhatNoExperimentUses) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  StoreDemonstrations(test);
  v1::ExperimentSpec spec = testing::EmptyExperiment();
  v1::TrainStage& train = testing::AddTrain(spec, "clone");
  train.set_algorithm("bc");
  train.set_dataset("demos");
  const std::string id = test.Submit(spec);
  const grpc::Status used = Delete(test, "demos");
  EXPECT_EQ(used.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(used.error_message(), HasSubstr("in use by experiment " + id));
  test.Cancel(id);
  EXPECT_TRUE(Delete(test, "demos").ok());
  EXPECT_EQ(Delete(test, "demos").error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST(DatasetsService, FinishesADatasetOnceNobodyCollectsIt) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  testing::StoreExpert(test);
  v1::ExperimentSpec spec = testing::EmptyExperiment();
  testing::AddCollect(spec, "expert", "half", 1000);
  const std::string id = test.Submit(spec);
  const auto finish = [&](v1::Dataset& dataset) {
    grpc::ClientContext context;
    v1::FinishDatasetRequest request;
    request.set_name("half");
    return v1::Datasets::NewStub(test.channel())->Finish(&context, request, &dataset);
  };
  v1::Dataset dataset;
  const grpc::Status used = finish(dataset);
  EXPECT_EQ(used.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(used.error_message(), HasSubstr("in use by experiment " + id));
  test.Cancel(id);
  ASSERT_TRUE(testing::Append(test.store(), "half", {0, 1}, 10).ok());
  ASSERT_TRUE(finish(dataset).ok());
  EXPECT_TRUE(dataset.complete());
  EXPECT_EQ(dataset.episodes(), 2);
}

TEST(DatasetsService, OfAStoreAloneItDeletesWhatItIsTold) {
  TemporaryDirectory directory;
  const auto data = DataDirectory::Open(directory.File("data"), DataDirectory::Mode::kCreate).value();
  ASSERT_TRUE(testing::MakeCompleteDataset(data->store(), "demos", 1, 10).ok());
  DatasetsService service(data->store(), RunWithoutCoordinator);
  grpc::ServerContext context;
  v1::DeleteDatasetRequest request;
  request.set_name("demos");
  v1::DeleteDatasetResponse response;
  EXPECT_TRUE(service.Delete(&context, &request, &response).ok());
  EXPECT_TRUE(testing::AllDatasets(data->store()).empty());
}

}  // namespace
}  // namespace understudy
