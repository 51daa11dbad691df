#include "learner/progress_reporter.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "common/process/mutex.h"
#include "common/rpc/channel.h"
#include "common/rpc/server.h"

namespace understudy {
namespace {

// Keeps the iterations that were reported; may be told what to answer.
class RecordingWorkers final : public v1::Workers::Service {
 public:
  grpc::Status ReportProgress(grpc::ServerContext*, const v1::ProgressRequest* request,
                              v1::ProgressResponse*) override {
    MutexLock lock(mutex_);
    if (failures_ > 0) {
      --failures_;
      return failure_;
    }
    iterations_.push_back(request->progress().iteration());
    return grpc::Status::OK;
  }

  void FailNext(int times, grpc::Status status) {
    MutexLock lock(mutex_);
    failures_ = times;
    failure_ = std::move(status);
  }
  std::vector<int64_t> iterations() {
    MutexLock lock(mutex_);
    return iterations_;
  }

 private:
  Mutex mutex_;
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
  grpc::Status failure_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> iterations_ ABSL_GUARDED_BY(mutex_);
};

struct Fixture {
  Fixture() : server(*RpcServer::Start({}, {&workers})), client(MakeChannel(server->address())) {}
  RecordingWorkers workers;
  std::unique_ptr<RpcServer> server;
  CoordinatorClient client;
  Cancellation cancellation;
};

v1::StageProgress Iteration(int64_t number) {
  v1::StageProgress progress;
  progress.set_iteration(number);
  return progress;
}

TEST(ProgressReporter, SendsEveryReportOnceAndInOrder) {
  Fixture f;
  ProgressReporter reporter(f.client, {}, f.cancellation);
  std::vector<int64_t> expected;
  // More than may be queued: the reporter holds back whoever reports too fast, and loses nothing.
  for (int64_t i = 1; i <= 2 * static_cast<int64_t>(ProgressReporter::kQueued); ++i) {
    ASSERT_TRUE(reporter.Report(Iteration(i)).ok());
    expected.push_back(i);
  }
  ASSERT_TRUE(reporter.Flush().ok());
  EXPECT_EQ(f.workers.iterations(), expected);
}

TEST(ProgressReporter, TriesAgainWhileTheCoordinatorIsAway) {
  Fixture f;
  f.workers.FailNext(2, grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting"));
  ProgressReporter reporter(f.client, {}, f.cancellation);
  ASSERT_TRUE(reporter.Report(Iteration(1)).ok());
  ASSERT_TRUE(reporter.Flush().ok());
  EXPECT_EQ(f.workers.iterations(), std::vector<int64_t>{1});
}

TEST(ProgressReporter, PassesOnThatTheStageIsNoLongerOurs) {
  Fixture f;
  f.workers.FailNext(1, grpc::Status(grpc::StatusCode::ABORTED, "epoch 3 is over"));
  ProgressReporter reporter(f.client, {}, f.cancellation);
  ASSERT_TRUE(reporter.Report(Iteration(1)).ok());
  EXPECT_EQ(reporter.Flush().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(reporter.Report(Iteration(2)).code(), absl::StatusCode::kAborted);
}

TEST(ProgressReporter, CancellingEndsAWaitForACoordinatorThatIsAway) {
  Fixture f;
  f.server->Shutdown();
  ProgressReporter reporter(f.client, {}, f.cancellation);
  ASSERT_TRUE(reporter.Report(Iteration(1)).ok());
  f.cancellation.Cancel("the stage is over");
  EXPECT_EQ(reporter.Flush().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace understudy
