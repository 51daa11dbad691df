// The learner process: takes one training stage at a time from the coordinator and trains it.
#ifndef UNDERSTUDY_LEARNER_LEARNER_H_
#define UNDERSTUDY_LEARNER_LEARNER_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "common/metrics/scrape.h"
#include "common/process/cancellation.h"
#include "common/process/mutex.h"
#include "common/rollouts/rollout_service.h"
#include "common/rpc/server.h"
#include "common/rpc/worker_session.h"
#include "learner/algorithms/algorithm.h"
#include "learner/coordinator_client.h"
#include "learner/group/ranks_service.h"
#include "learner/learner_sink.h"
#include "learner/learner_stage.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

struct LearnerOptions {
  std::string coordinators;                                         // Coordinators::Make's
  std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr;  // MakeChannel's, towards them
  ServerOptions server = {.listen = ""};                            // of the services Rollouts and Ranks
  // HOST:PORT by which others reach it. Where this or server.listen is empty, ChooseRolloutsAddress chooses.
  std::string advertise = {};
  // Where it listens, on any port, for the gradients of other learners of a stage, which are not encrypted.
  std::string gradients_host = "127.0.0.1";
};

// Thread-safe.
class Learner {
 public:
  // Listens and begins to attach. The errors are those of ChooseRolloutsAddress, RpcServer::Start and
  // Coordinators::Make. INVALID_ARGUMENT, too: the certificate is not for the advertised host, or no other learner
  // could connect to `gradients_host`.
  static absl::StatusOr<std::unique_ptr<Learner>> Start(const LearnerOptions& options);
  ~Learner();

  // Works on stages, on the calling thread, until it is told to end in one of these ways. The coordinator gives a stage
  // that was in hand to another learner once this one is destroyed.
  void Run();
  // Run takes no further stage, and ends once the iteration in hand is done and its checkpoint stored, or the stage
  // over.
  void Drain();
  // After Drain: does not wait for an iteration that is still in hand, but for a checkpoint.
  void GiveUpIteration();
  // An iteration is waiting for actors, and none is there.
  bool WithoutActors() const { return sink_.actor_status().without_actors > absl::ZeroDuration(); }
  // Run ends now; a stage in hand is given up.
  void Stop();

  void AddMetrics(Scrape& scrape);

 private:
  Learner(const LearnerOptions& options, std::shared_ptr<Coordinators> coordinators);

  void OnAssignment(const v1::Assignment& assignment);
  v1::WorkerHeartbeat Heartbeat();
  std::shared_ptr<StageJob> NextJob();
  void RunJob(StageJob& job);
  // Tells the coordinator, until the stage is no longer this learner's or it is stopped.
  void Finish(const StageJob& job, const absl::StatusOr<v1::TrainResult>& result);
  // Tries again, as the log says, while the coordinator is short of something (RESOURCE_EXHAUSTED: a full disk), or,
  // insisting, whatever it says: until OK, ABORTED or CANCELLED. Otherwise returns what it said.
  absl::Status Deliver(const v1::FinishStageRequest& request, const std::string& name, bool insisting);
  // Until it is done or fails; ranks that lose each other meet again, and go on from the last checkpoint.
  absl::StatusOr<v1::TrainResult> Train(StageJob& job);
  // From the last checkpoint, with the other ranks. Of rank 0, which publishes it, comes the result.
  absl::StatusOr<v1::TrainResult> TrainTogether(TrainingInput input, const TrainingAlgorithm& algorithm, StageJob& job);
  // The end at this rank: lets its actors go, and adds up what became of their trajectories. Of rank 0 last, once it
  // has published: until then the others wait in it.
  absl::Status ShareAccounting(StageJob& job, LearnerGroup& group);
  // The same at all ranks. nullopt: there is none to go on from.
  absl::StatusOr<std::optional<v1::Checkpoint>> LoadCheckpoint(StageJob& job, LearnerGroup& group);
  // From the input's checkpoint, or anew where that does not fit.
  absl::StatusOr<TrainingOutput> TrainFrom(TrainingInput& input, const TrainingAlgorithm& algorithm, StageJob& job,
                                           LearnerStage& context);

  const std::shared_ptr<grpc::ChannelCredentials> credentials_;
  const std::string gradients_host_;
  CoordinatorClient client_;
  Cancellation stopping_;
  LearnerSink sink_;
  RolloutService rollouts_{sink_};
  RanksService ranks_;
  Mutex mutex_;
  CondVar changed_;
  std::shared_ptr<StageJob> desired_ ABSL_GUARDED_BY(mutex_);  // null: idle
  bool taken_ ABSL_GUARDED_BY(mutex_) = false;                 // Run has begun with desired_
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t superseded_ ABSL_GUARDED_BY(mutex_) = 0;  // trajectories of all stages
  std::unique_ptr<RpcServer> server_;
  // Last: its thread calls OnAssignment, so that it has to end first.
  std::unique_ptr<WorkerSession> session_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_LEARNER_H_
