// What learners and people call: experiments, and the training of their stages.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_LEARNER_CALLS_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_LEARNER_CALLS_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "tests/benchmarks/cluster/stage_clock.h"
#include "tests/benchmarks/cluster/timer_queue.h"
#include "understudy/v1/experiments.grpc.pb.h"
#include "understudy/v1/policy.grpc.pb.h"
#include "understudy/v1/workers.grpc.pb.h"

namespace understudy::simulation {

struct LearnerOptions {
  absl::Duration training;  // of a stage, on average
  int64_t episodes = 0;     // of a collect or evaluate stage
};

// Thread-safe; calls block on threads of its own. An experiment trains a policy, collects with it, and evaluates it.
class LearnerCalls {
 public:
  LearnerCalls(std::shared_ptr<grpc::Channel> channel, StageClock& clock, LearnerOptions options);
  ~LearnerCalls();

  // Keeps `count` experiments running: where one ends, the next is submitted.
  void KeepRunning(int count);

  // Trains a stage: reports progress every second, and ends it after some time. Does not block.
  void Train(const v1::LearnerWork& work);

  // Experiments that have succeeded, and that have ended otherwise.
  int64_t succeeded() const { return succeeded_; }
  int64_t failed() const { return failed_; }

  // Nothing more is submitted or trained.
  void Stop();

 private:
  void RunExperiments(int series);
  v1::Status RunExperiment(const std::string& name, int series);
  void Progress(const v1::LearnerWork& work, int iteration);
  void Finish(const v1::LearnerWork& work);

  const std::shared_ptr<grpc::Channel> channel_;
  StageClock& clock_;
  const LearnerOptions options_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int64_t> succeeded_ = 0;
  std::atomic<int64_t> failed_ = 0;
  std::atomic<int64_t> trained_ = 0;
  TimerQueue calls_;
  std::vector<std::thread> series_;
};

}  // namespace understudy::simulation

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_LEARNER_CALLS_H_
