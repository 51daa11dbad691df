#include "learner/coordinator_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "common/rpc/server.h"
#include "tests/testing/checkpoints.h"
#include "tests/testing/fake_checkpoints_service.h"
#include "tests/testing/log_capture.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy {
namespace {

using testing::FakeCheckpointsService;
using ::testing::HasSubstr;
using testing::PpoCheckpoint;

struct Fixture {
  explicit Fixture(FakeCheckpointsService::OnSave on_save = nullptr)
      : checkpoints(std::move(on_save)),
        server(*RpcServer::Start({}, {&checkpoints})),
        client(Coordinators::Make(server->address()).value()) {
    stage.set_experiment_id("e-1");
    stage.set_stage(2);
    stage.set_epoch(3);
  }
  FakeCheckpointsService checkpoints;
  std::unique_ptr<RpcServer> server;
  CoordinatorClient client;
  Cancellation cancellation;
  v1::StageKey stage;
};

TEST(CoordinatorClient, ACheckpointComesBackAsItWasSaved) {
  Fixture f;
  const auto took = f.client.SaveCheckpoint(f.stage, PpoCheckpoint(7), f.cancellation);
  ASSERT_TRUE(took.ok()) << took.status();
  EXPECT_GT(*took, absl::ZeroDuration());
  EXPECT_EQ(f.checkpoints.stage().SerializeAsString(), f.stage.SerializeAsString());
  const auto loaded = f.client.LoadCheckpoint(f.stage, f.cancellation);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  ASSERT_TRUE(loaded->has_value());
  EXPECT_EQ((*loaded)->SerializeAsString(), PpoCheckpoint(7).SerializeAsString());
}

TEST(CoordinatorClient, ALargeCheckpointTravelsInChunks) {
  Fixture f;
  v1::Checkpoint large = PpoCheckpoint(7);
  large.set_parameters(std::string(3'000'000, 'p'));
  large.mutable_optimizer()->set_first_moments(large.parameters());
  large.mutable_optimizer()->set_second_moments(large.parameters());
  ASSERT_TRUE(f.client.SaveCheckpoint(f.stage, large, f.cancellation).ok());
  const auto loaded = f.client.LoadCheckpoint(f.stage, f.cancellation);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_TRUE((*loaded)->SerializeAsString() == large.SerializeAsString());
}

TEST(CoordinatorClient, NoCheckpointIsNoError) {
  Fixture f;
  const auto loaded = f.client.LoadCheckpoint(f.stage, f.cancellation);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_FALSE(loaded->has_value());
}

TEST(CoordinatorClient, SavesAndLoadsThoughTheCoordinatorIsAwayInBetween) {
  int attempts = 0;
  Fixture f([&](const v1::CheckpointHeader&) {
    return ++attempts < 3 ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting") : grpc::Status::OK;
  });
  ASSERT_TRUE(f.client.SaveCheckpoint(f.stage, PpoCheckpoint(7), f.cancellation).ok());
  EXPECT_EQ(attempts, 3);
  for (const auto code :
       {grpc::StatusCode::UNAVAILABLE, grpc::StatusCode::DEADLINE_EXCEEDED, grpc::StatusCode::CANCELLED}) {
    f.checkpoints.FailLoads(2, grpc::Status(code, "restarting"));
    const auto loaded = f.client.LoadCheckpoint(f.stage, f.cancellation);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ((*loaded)->iteration(), 7);
  }
}

TEST(CoordinatorClient, NeverTriesAgainInSilence) {
  testing::LogCapture log;
  Fixture f;
  f.checkpoints.FailLoads(3, grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting"));
  ASSERT_TRUE(f.client.LoadCheckpoint(f.stage, f.cancellation).ok());
  const std::string text = log.text();
  EXPECT_THAT(text, HasSubstr("download of a checkpoint: the coordinator is away (UNAVAILABLE: restarting), trying"));
  EXPECT_THAT(text, HasSubstr("download of a checkpoint: the coordinator is back after "));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST(CoordinatorClient, WhoIsFencedIsToldSo) {
  Fixture f([](const v1::CheckpointHeader&) { return grpc::Status(grpc::StatusCode::ABORTED, "epoch 3 is over"); });
  EXPECT_EQ(f.client.SaveCheckpoint(f.stage, PpoCheckpoint(7), f.cancellation).status(),
            absl::AbortedError("epoch 3 is over"));
}

TEST(CoordinatorClient, ADamagedCheckpointIsDataLossByName) {
  Fixture f;
  v1::Checkpoint damaged = PpoCheckpoint(7);
  damaged.mutable_optimizer()->mutable_first_moments()->resize(4);
  f.checkpoints.set_content(damaged.SerializeAsString());
  absl::Status status = f.client.LoadCheckpoint(f.stage, f.cancellation).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("optimizer.first_moments: found 4 bytes"));
  f.checkpoints.FailLoads(1, grpc::Status(grpc::StatusCode::DATA_LOSS, "its digest does not match"));
  status = f.client.LoadCheckpoint(f.stage, f.cancellation).status();
  EXPECT_EQ(status, absl::DataLossError("its digest does not match"));
}

TEST(CoordinatorClient, CancellingEndsAWaitForACoordinatorThatIsAway) {
  Fixture f;
  f.checkpoints.FailLoads(1'000'000, grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting"));
  f.cancellation.Cancel("the stage is over");
  EXPECT_EQ(f.client.LoadCheckpoint(f.stage, f.cancellation).status(), absl::CancelledError("the stage is over"));
}

}  // namespace
}  // namespace understudy
