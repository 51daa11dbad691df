// The learner process: takes one training stage at a time from the coordinator and trains it.
#ifndef UNDERSTUDY_LEARNER_LEARNER_H_
#define UNDERSTUDY_LEARNER_LEARNER_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "common/process/cancellation.h"
#include "common/process/mutex.h"
#include "common/rollouts/rollout_service.h"
#include "common/rpc/server.h"
#include "common/rpc/worker_session.h"
#include "learner/coordinator_client.h"
#include "learner/rollout_sink.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

struct LearnerOptions {
  std::string coordinator;  // HOST:PORT
  ServerOptions server;     // of the Rollouts service
  // Where actors reach it; empty: where it listens.
  std::string advertise;
};

// Thread-safe.
class Learner {
 public:
  // Listens and begins to attach. INVALID_ARGUMENT or UNAVAILABLE: RpcServer::Start's, or an address that no actor
  // could connect to.
  static absl::StatusOr<std::unique_ptr<Learner>> Start(const LearnerOptions& options);
  ~Learner();

  // Works on stages, on the calling thread, until Stop.
  void Run();
  // Ends Run; a stage in hand is given up.
  void Stop();

 private:
  explicit Learner(const LearnerOptions& options);

  // A stage and what ends it early.
  struct Job {
    v1::LearnerWork work;
    Cancellation cancellation;
  };

  void OnAssignment(const v1::Assignment& assignment);
  std::shared_ptr<Job> NextJob();
  void RunJob(Job& job);
  absl::StatusOr<v1::TrainResult> Train(Job& job);

  CoordinatorClient client_;
  Cancellation stopping_;
  RolloutSink sink_;
  RolloutService rollouts_{sink_};
  Mutex mutex_;
  CondVar changed_;
  std::shared_ptr<Job> desired_ ABSL_GUARDED_BY(mutex_);  // null: idle
  bool taken_ ABSL_GUARDED_BY(mutex_) = false;            // Run has begun with desired_
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<RpcServer> server_;
  // Last: its thread calls OnAssignment, so that it has to end first.
  std::unique_ptr<WorkerSession> session_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_LEARNER_H_
