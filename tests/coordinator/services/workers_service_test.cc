#include "coordinator/services/workers_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/rpc/channel.h"
#include "coordinator/services/attach_stream.h"
#include "tests/coordinator/test_coordinator.h"

namespace understudy {
namespace {

using testing::ActorNamed;
using ::testing::HasSubstr;
using testing::LearnerNamed;
using testing::TemporaryDirectory;
using testing::TestCoordinator;
using testing::TestWorker;

TEST(WorkersService, ValidHellosPass) {
  EXPECT_TRUE(ValidateHello(ActorNamed("host-1.example-77-abcdef")).ok());
  EXPECT_TRUE(ValidateHello(LearnerNamed("learner")).ok());
}

TEST(WorkersService, NamesWhatIsWrongWithAHello) {
  const auto error_after = [](auto change) {
    v1::WorkerHello hello = LearnerNamed("learner");
    change(hello);
    return ValidateHello(hello);
  };
  EXPECT_TRUE(absl::IsFailedPrecondition(error_after([](auto& hello) { hello.set_protocol_version(99); })));
  EXPECT_THAT(error_after([](auto& hello) { hello.set_worker_id(""); }).ToString(), HasSubstr("worker_id"));
  EXPECT_THAT(error_after([](auto& hello) { hello.set_worker_id("a b"); }).ToString(), HasSubstr("worker_id"));
  EXPECT_THAT(error_after([](auto& hello) { hello.set_worker_id(std::string(129, 'x')); }).ToString(),
              HasSubstr("worker_id"));
  EXPECT_THAT(error_after([](auto& hello) { hello.set_host(std::string(257, 'x')); }).ToString(), HasSubstr("host"));
  EXPECT_THAT(error_after([](auto& hello) { hello.clear_kind(); }).ToString(), HasSubstr("kind"));
  EXPECT_THAT(error_after([](auto& hello) { hello.set_rollouts_address("nowhere"); }).ToString(),
              HasSubstr("rollouts_address"));
  EXPECT_THAT(error_after([](auto& hello) { hello.set_kind(v1::WORKER_KIND_ACTOR); }).ToString(),
              HasSubstr("rollouts_address"));
}

TEST(WorkersService, AnInvalidHelloEndsTheStream) {
  TemporaryDirectory directory;
  TestCoordinator test(directory);
  TestWorker worker(test, ActorNamed("not an id"));
  EXPECT_TRUE(absl::IsInvalidArgument(worker.Finish()));
}

TEST(WorkersService, TheFirstMessageMustBeAHello) {
  TemporaryDirectory directory;
  TestCoordinator test(directory);
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
  TestCoordinator test(directory);
  TestWorker earlier(test, ActorNamed("actor"));
  ASSERT_TRUE(earlier.Next().ok());
  TestWorker later(test, ActorNamed("actor"));
  ASSERT_TRUE(later.Next().ok());
  EXPECT_TRUE(absl::IsAborted(earlier.Finish()));
  EXPECT_EQ(test.coordinator().ListWorkers()->size(), 1u);
}

TEST(WorkersService, AHeartbeatOfAnotherEpochIsAnsweredWithTheAssignment) {
  TemporaryDirectory directory;
  TestCoordinator test(directory);
  TestWorker worker(test, ActorNamed("actor"));
  ASSERT_TRUE(worker.Next().ok());
  worker.Heartbeat(12345);
  const auto assignment = worker.Next();
  ASSERT_TRUE(assignment.ok());
  EXPECT_EQ(assignment->epoch(), 0);
}

TEST(WorkersService, RefusesProgressThatIsOutOfBounds) {
  TemporaryDirectory directory;
  TestCoordinator test(directory);
  EXPECT_TRUE(absl::IsInvalidArgument(test.ReportProgress({}, -1)));
  EXPECT_TRUE(absl::IsAborted(test.ReportProgress({}, 1)));
}

}  // namespace
}  // namespace understudy
