// One simulated worker: stays attached, and does as it is told.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_WORKER_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_WORKER_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"
#include "tests/benchmarks/cluster/attach_client.h"
#include "tests/benchmarks/cluster/latencies.h"
#include "tests/benchmarks/cluster/rollout_client.h"
#include "tests/benchmarks/cluster/stage_clock.h"
#include "tests/benchmarks/cluster/timer_queue.h"

namespace understudy::simulation {

// What all workers share.
struct WorkerContext {
  TimerQueue& timers;
  StageClock& clock;
  // A learner was given this. Must not block.
  std::function<void(const v1::LearnerWork&)> train;

  Latencies attached;   // from attaching to the first assignment
  Latencies submitted;  // from Submit to a learner's assignment
  Latencies succeeded;  // from the end of a stage to the assignments of its workers to the next
  std::atomic<int64_t> heartbeats = 0;
  std::atomic<int64_t> assignments = 0;
  std::atomic<int64_t> broken = 0;      // streams that ended with an error that nobody wanted
  std::atomic<int64_t> unanswered = 0;  // workers that wait for their first assignment
};

// Thread-safe. Actors do roll out where the coordinator is the sink; learners' addresses are made up, and nobody
// connects there.
class Worker final : public std::enable_shared_from_this<Worker> {
 public:
  // `context` must outlive it and its timers.
  Worker(WorkerContext& context, v1::WorkerHello hello, const std::shared_ptr<grpc::Channel>& channel);

  void Attach();
  // Says goodbye.
  void Leave();
  // Ends its streams without a word.
  void Cancel();

 private:
  void OnAssignment(const v1::Assignment& assignment);
  void Measure(const v1::StageKey& stage, bool learner) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void FollowRollouts(const v1::Assignment& assignment) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void BeginRollouts() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnRolloutsEnded(int64_t epoch, const grpc::Status& status);
  void SendHeartbeats(const std::shared_ptr<AttachClient>& client);

  WorkerContext& context_;
  const v1::WorkerHello hello_;
  const std::unique_ptr<v1::Workers::Stub> workers_;
  const std::unique_ptr<v1::Rollouts::Stub> rollouts_;

  Mutex mutex_;
  std::shared_ptr<AttachClient> attach_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<RolloutClient> roll_out_ ABSL_GUARDED_BY(mutex_);
  absl::Time attached_at_ ABSL_GUARDED_BY(mutex_);
  bool answered_ ABSL_GUARDED_BY(mutex_) = false;
  bool leaving_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration interval_ ABSL_GUARDED_BY(mutex_) = absl::Seconds(1);
  int64_t epoch_ ABSL_GUARDED_BY(mutex_) = 0;
  v1::StageKey stage_ ABSL_GUARDED_BY(mutex_);  // the latest that it was given
};

}  // namespace understudy::simulation

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_WORKER_H_
