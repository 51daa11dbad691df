#include "coordinator/services/workers_service.h"

#include <gtest/gtest.h>

#include <string>

#include "common/rpc/channel.h"
#include "tests/coordinator/coordinator_harness.h"

namespace understudy {
namespace {

using testing::ActorNamed;
using testing::CoordinatorHarness;
using testing::LearnerNamed;
using testing::TemporaryDirectory;
using testing::TestWorker;

TEST(WorkersService, AnInvalidHelloEndsTheStream) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker worker(test, ActorNamed("not an id"));
  EXPECT_TRUE(absl::IsInvalidArgument(worker.Finish()));
}

TEST(WorkersService, TheFirstMessageMustBeAHello) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  grpc::ClientContext context;
  SetDeadline(context, absl::Seconds(30));
  const auto stub = v1::Workers::NewStub(test.channel());
  const auto stream = stub->Attach(&context);
  v1::WorkerMessage message;
  message.mutable_heartbeat()->set_epoch(1);
  stream->Write(message);
  v1::Assignment assignment;
  EXPECT_FALSE(stream->Read(&assignment));
  EXPECT_TRUE(absl::IsInvalidArgument(FromGrpc(stream->Finish())));
}

TEST(WorkersService, AttachingAgainEndsTheEarlierStream) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker earlier(test, ActorNamed("actor"));
  ASSERT_TRUE(earlier.Next().ok());
  TestWorker later(test, ActorNamed("actor"));
  ASSERT_TRUE(later.Next().ok());
  EXPECT_TRUE(absl::IsAborted(earlier.Finish()));
  EXPECT_EQ(test.coordinator().ListWorkers("", 10)->size(), 1u);
}

TEST(WorkersService, ListsWorkersByIdPageAfterPage) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker b(test, ActorNamed("b")), c(test, ActorNamed("c")), a(test, ActorNamed("a"));
  for (TestWorker* worker : {&a, &b, &c}) ASSERT_TRUE(worker->Next().ok());
  const auto stub = v1::Workers::NewStub(test.channel());
  v1::ListWorkersRequest request;
  request.set_page_size(2);
  std::string listed;
  do {
    grpc::ClientContext context;
    v1::ListWorkersResponse response;
    ASSERT_TRUE(stub->List(&context, request, &response).ok());
    for (const v1::Worker& worker : response.workers()) listed += worker.hello().worker_id();
    listed += '.';
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(listed, "ab.c.");
  grpc::ClientContext context;
  v1::ListWorkersResponse response;
  request.set_page_token("rubbish");
  EXPECT_EQ(stub->List(&context, request, &response).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST(WorkersService, AHeartbeatOfAnotherEpochIsAnsweredWithTheAssignment) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  TestWorker worker(test, ActorNamed("actor"));
  ASSERT_TRUE(worker.Next().ok());
  worker.Heartbeat(12345);
  const auto assignment = worker.Next();
  ASSERT_TRUE(assignment.ok());
  EXPECT_EQ(assignment->epoch(), 0);
}

TEST(WorkersService, AnInvalidHeartbeatEndsTheStream) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  grpc::ClientContext context;
  SetDeadline(context, absl::Seconds(30));
  const auto stub = v1::Workers::NewStub(test.channel());
  const auto stream = stub->Attach(&context);
  v1::WorkerMessage message;
  *message.mutable_hello() = ActorNamed("actor");
  ASSERT_TRUE(stream->Write(message));
  message.mutable_heartbeat()->set_steps_produced(-1);
  stream->Write(message);
  v1::Assignment assignment;
  while (stream->Read(&assignment)) {
  }
  EXPECT_TRUE(absl::IsInvalidArgument(FromGrpc(stream->Finish())));
}

TEST(WorkersService, RefusesProgressThatIsOutOfBounds) {
  TemporaryDirectory directory;
  CoordinatorHarness test(directory);
  EXPECT_TRUE(absl::IsInvalidArgument(test.ReportProgress({}, -1)));
  EXPECT_TRUE(absl::IsAborted(test.ReportProgress({}, 1)));
}

}  // namespace
}  // namespace understudy
