#include "learner/progress_reporter.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "common/process/mutex.h"
#include "common/rpc/server.h"
#include "tests/testing/checkpoints.h"
#include "tests/testing/fake_checkpoints_service.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy {
namespace {

// What arrived, in order, of both services.
class Journal {
 public:
  void Add(std::string entry) {
    MutexLock lock(mutex_);
    entries_.push_back(std::move(entry));
  }
  std::vector<std::string> entries() {
    MutexLock lock(mutex_);
    return entries_;
  }

 private:
  Mutex mutex_;
  std::vector<std::string> entries_ ABSL_GUARDED_BY(mutex_);
};

// Keeps the iterations that were reported; may be told what to answer.
class RecordingWorkers final : public v1::Workers::Service {
 public:
  explicit RecordingWorkers(Journal& journal) : journal_(journal) {}

  grpc::Status ReportProgress(grpc::ServerContext*, const v1::ProgressRequest* request,
                              v1::ProgressResponse*) override {
    MutexLock lock(mutex_);
    if (failures_ > 0) {
      --failures_;
      return failure_;
    }
    iterations_.push_back(request->progress().iteration());
    journal_.Add("metrics " + std::to_string(request->progress().iteration()));
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
  Journal& journal_;
  Mutex mutex_;
  int failures_ ABSL_GUARDED_BY(mutex_) = 0;
  grpc::Status failure_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> iterations_ ABSL_GUARDED_BY(mutex_);
};

// Lets whoever passes through only once it is open.
class Gate {
 public:
  void Pass() {
    MutexLock lock(mutex_);
    ++arrived_;
    changed_.NotifyAll();
    while (!open_) changed_.Wait(mutex_);
  }
  void AwaitArrival() {
    MutexLock lock(mutex_);
    while (arrived_ == 0) changed_.Wait(mutex_);
  }
  void Open() {
    MutexLock lock(mutex_);
    open_ = true;
    changed_.NotifyAll();
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int arrived_ ABSL_GUARDED_BY(mutex_) = 0;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
};

struct Fixture {
  explicit Fixture(testing::FakeCheckpointsService::OnSave on_save = nullptr)
      : workers(journal),
        checkpoints([this, on_save](const v1::CheckpointHeader& header) {
          const grpc::Status status = on_save == nullptr ? grpc::Status::OK : on_save(header);
          if (status.ok()) journal.Add("checkpoint " + std::to_string(header.iteration()));
          return status;
        }),
        server(*RpcServer::Start({}, {&workers, &checkpoints})),
        client(Coordinators::Make(server->address()).value()) {
    stage.set_experiment_id("e-1");
    stage.set_epoch(1);
  }
  v1::StageKey stage;
  Journal journal;
  RecordingWorkers workers;
  testing::FakeCheckpointsService checkpoints;
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
  ProgressReporter reporter(f.client, f.stage, f.cancellation);
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
  ProgressReporter reporter(f.client, f.stage, f.cancellation);
  ASSERT_TRUE(reporter.Report(Iteration(1)).ok());
  ASSERT_TRUE(reporter.Flush().ok());
  EXPECT_EQ(f.workers.iterations(), std::vector<int64_t>{1});
}

TEST(ProgressReporter, PassesOnThatTheStageIsNoLongerOurs) {
  Fixture f;
  f.workers.FailNext(1, grpc::Status(grpc::StatusCode::ABORTED, "epoch 3 is over"));
  ProgressReporter reporter(f.client, f.stage, f.cancellation);
  ASSERT_TRUE(reporter.Report(Iteration(1)).ok());
  EXPECT_EQ(reporter.Flush().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(reporter.Report(Iteration(2)).code(), absl::StatusCode::kAborted);
}

TEST(ProgressReporter, CancellingEndsAWaitForACoordinatorThatIsAway) {
  Fixture f;
  f.server->Shutdown();
  ProgressReporter reporter(f.client, f.stage, f.cancellation);
  ASSERT_TRUE(reporter.Report(Iteration(1)).ok());
  f.cancellation.Cancel("the stage is over");
  EXPECT_EQ(reporter.Flush().code(), absl::StatusCode::kCancelled);
}

TEST(ProgressReporter, OnceCancelledNothingIsWaitedFor) {
  Gate gate;
  Fixture f([&](const v1::CheckpointHeader&) {
    gate.Pass();
    return grpc::Status::OK;
  });
  ProgressReporter reporter(f.client, f.stage, f.cancellation);
  ASSERT_TRUE(reporter.SaveCheckpoint(testing::PpoCheckpoint(1)).ok());
  gate.AwaitArrival();
  f.cancellation.Cancel("the stage is over");
  EXPECT_EQ(reporter.Flush(), absl::CancelledError("the stage is over"));
  gate.Open();
}

TEST(ProgressReporter, ACheckpointComesAfterAllThatWasReportedBeforeIt) {
  Fixture f;
  f.workers.FailNext(2, grpc::Status(grpc::StatusCode::UNAVAILABLE, "restarting"));
  ProgressReporter reporter(f.client, f.stage, f.cancellation);
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(reporter.Report(Iteration(i)).ok());
  ASSERT_TRUE(reporter.SaveCheckpoint(testing::PpoCheckpoint(3)).ok());
  ASSERT_TRUE(reporter.Report(Iteration(4)).ok());
  ASSERT_TRUE(reporter.Flush().ok());
  EXPECT_EQ(f.journal.entries(),
            (std::vector<std::string>{"metrics 1", "metrics 2", "metrics 3", "checkpoint 3", "metrics 4"}));
  EXPECT_EQ(f.checkpoints.content(), testing::PpoCheckpoint(3).SerializeAsString());
}

TEST(ProgressReporter, ANewerCheckpointReplacesOneThatWaitsButNotOneThatIsBeingSent) {
  Gate gate;
  Fixture f([&](const v1::CheckpointHeader&) {
    gate.Pass();
    return grpc::Status::OK;
  });
  ProgressReporter reporter(f.client, f.stage, f.cancellation);
  ASSERT_TRUE(reporter.Report(Iteration(1)).ok());
  EXPECT_TRUE(reporter.CheckpointDue());
  ASSERT_TRUE(reporter.SaveCheckpoint(testing::PpoCheckpoint(1)).ok());
  gate.AwaitArrival();
  for (int i = 2; i <= 4; ++i) {
    ASSERT_TRUE(reporter.Report(Iteration(i)).ok());
    EXPECT_FALSE(reporter.CheckpointDue());
    ASSERT_TRUE(reporter.SaveCheckpoint(testing::PpoCheckpoint(i)).ok());
  }
  ASSERT_TRUE(reporter.Report(Iteration(5)).ok());
  gate.Open();
  ASSERT_TRUE(reporter.Flush().ok());
  EXPECT_EQ(f.journal.entries(), (std::vector<std::string>{"metrics 1", "checkpoint 1", "metrics 2", "metrics 3",
                                                           "metrics 4", "checkpoint 4", "metrics 5"}));
}

TEST(ProgressReporter, ACheckpointThatIsRefusedEndsTheStage) {
  Fixture f([](const v1::CheckpointHeader&) { return grpc::Status(grpc::StatusCode::ABORTED, "epoch 3 is over"); });
  ProgressReporter reporter(f.client, f.stage, f.cancellation);
  ASSERT_TRUE(reporter.SaveCheckpoint(testing::PpoCheckpoint(1)).ok());
  EXPECT_EQ(reporter.Flush().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(reporter.SaveCheckpoint(testing::PpoCheckpoint(2)).code(), absl::StatusCode::kAborted);
  EXPECT_EQ(reporter.Report(Iteration(2)).code(), absl::StatusCode::kAborted);
}

const absl::Time kStart = absl::FromUnixSeconds(1000);

TEST(CheckpointSchedule, TheFirstOneIsDueAtOnce) { EXPECT_TRUE(CheckpointSchedule().Due(kStart)); }

TEST(CheckpointSchedule, TheNextOneIsDueAfterTenTimesAsLongAsTheLastOneTook) {
  CheckpointSchedule schedule;
  schedule.HandedOver(kStart);
  schedule.Stored(absl::Milliseconds(30));
  EXPECT_FALSE(schedule.Due(kStart + absl::Milliseconds(299)));
  EXPECT_TRUE(schedule.Due(kStart + absl::Milliseconds(300)));
}

TEST(CheckpointSchedule, FollowsWhatTheyTakeNow) {
  CheckpointSchedule schedule;
  schedule.HandedOver(kStart);
  schedule.Stored(absl::Seconds(60));
  EXPECT_FALSE(schedule.Due(kStart + absl::Minutes(9)));
  schedule.HandedOver(kStart + absl::Minutes(10));
  schedule.Stored(absl::Milliseconds(1));
  EXPECT_TRUE(schedule.Due(kStart + absl::Minutes(10) + absl::Milliseconds(10)));
}

TEST(CheckpointSchedule, OneIsDueWhereTheClockHasBeenSetBack) {
  CheckpointSchedule schedule;
  schedule.HandedOver(kStart);
  schedule.Stored(absl::Seconds(1));
  EXPECT_TRUE(schedule.Due(kStart - absl::Hours(1)));
  schedule.HandedOver(kStart - absl::Hours(1));
  EXPECT_FALSE(schedule.Due(kStart - absl::Hours(1) + absl::Seconds(9)));
  EXPECT_TRUE(schedule.Due(kStart - absl::Hours(1) + absl::Seconds(10)));
}

TEST(CheckpointSchedule, NoneIsDueAnyMoreWhereTheyCannotBeStored) {
  CheckpointSchedule schedule;
  schedule.HandedOver(kStart);
  schedule.Stored(absl::InfiniteDuration());
  EXPECT_FALSE(schedule.Due(kStart + absl::Hours(100000)));
  EXPECT_FALSE(schedule.Due(kStart - absl::Hours(1)));
}

}  // namespace
}  // namespace understudy
