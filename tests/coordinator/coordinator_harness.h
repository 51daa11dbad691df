// A whole coordinator behind a real server on loopback, and workers and clients that talk to it.
#ifndef UNDERSTUDY_TESTS_COORDINATOR_COORDINATOR_HARNESS_H_
#define UNDERSTUDY_TESTS_COORDINATOR_COORDINATOR_HARNESS_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/coordinator.h"
#include "coordinator/storage/data_directory.h"
#include "tests/coordinator/storage/temporary_directory.h"
#include "understudy/v1/datasets.grpc.pb.h"
#include "understudy/v1/experiments.grpc.pb.h"
#include "understudy/v1/policy.grpc.pb.h"
#include "understudy/v1/rollouts.grpc.pb.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy::testing {

// Serves the store in `directory` until destroyed. Calls fail after 30 s.
class CoordinatorHarness {
 public:
  explicit CoordinatorHarness(const TemporaryDirectory& directory);
  ~CoordinatorHarness();

  Store& store() { return data_->store(); }
  Coordinator& coordinator() { return *coordinator_; }
  std::shared_ptr<grpc::Channel> channel() const { return channel_; }

  // Submits and returns the id, which is empty after a failure of the test.
  std::string Submit(const v1::ExperimentSpec& spec);
  v1::Experiment Get(const std::string& id);
  v1::Experiment Cancel(const std::string& id);
  // Watches until the experiment has finished.
  v1::Experiment AwaitFinished(const std::string& id);

  absl::Status ReportProgress(const v1::StageKey& stage, int64_t iteration);
  absl::StatusOr<int64_t> Publish(const v1::StageKey& stage, const PolicySnapshot& snapshot);
  absl::Status FinishStage(const v1::FinishStageRequest& request);
  // As a learner does: publishes a policy and finishes its stage, converged.
  void FinishTraining(const v1::LearnerWork& work);

 private:
  struct Services;
  std::unique_ptr<DataDirectory> data_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<Services> services_;
  std::shared_ptr<grpc::Channel> channel_;
};

// A worker's Attach stream.
class TestWorker {
 public:
  TestWorker(CoordinatorHarness& coordinator, v1::WorkerHello hello);
  // Goes away without a word, unless it has ended.
  ~TestWorker();

  // The next assignment, which may be idle; UNKNOWN where the stream has ended.
  absl::StatusOr<v1::Assignment> Next();
  // The next assignment that is work.
  v1::Assignment NextWork();
  // The next assignment that is idle.
  void AwaitIdle();
  void Heartbeat(int64_t epoch);
  // Says goodbye and returns the stream's status.
  absl::Status Leave();
  // What the coordinator ended the stream with.
  absl::Status Finish();

 private:
  grpc::ClientContext context_;
  std::unique_ptr<v1::Workers::Stub> stub_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::WorkerMessage, v1::Assignment>> stream_;
};

v1::WorkerHello ActorNamed(const std::string& id);
v1::WorkerHello LearnerNamed(const std::string& id);

// Does what an actor does for one stage of the coordinator: fulfils every request with episodes of `steps_each` steps,
// until the stream ends or `results` have been sent. Returns the stream's status; CANCELLED where it stopped by itself.
absl::Status RollOut(CoordinatorHarness& coordinator, const std::string& worker, const v1::StageKey& stage,
                     int64_t steps_each, int results = 1'000'000);

// An experiment on CartPole-v1 without stages, and stages for it.
v1::ExperimentSpec EmptyExperiment();
v1::TrainStage& AddTrain(v1::ExperimentSpec& spec, const std::string& policy);
v1::CollectStage& AddCollect(v1::ExperimentSpec& spec, const std::string& policy, const std::string& dataset,
                             int64_t transitions);
v1::EvaluateStage& AddEvaluate(v1::ExperimentSpec& spec, const std::string& policy, int64_t episodes);

// One training stage, of policy "expert".
v1::ExperimentSpec OneTraining();
// The policy "expert@1" is in the store.
void StoreExpert(CoordinatorHarness& test);
v1::FinishStageRequest Failure(const v1::StageKey& stage, const std::string& error);

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_COORDINATOR_COORDINATOR_HARNESS_H_
