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
  std::string coordinators;                                         // as Coordinators::Make takes them
  std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr;  // MakeChannel's, towards them
  ServerOptions server = {.listen = ""};                            // of the services Rollouts and Ranks
  // The HOST:PORT by which others reach it. If this or server.listen is empty, ChooseRolloutsAddress chooses.
  std::string advertise = {};
  // The host name or address on which it listens, on any port, for the gradients of other learners, which are not
  // encrypted.
  std::string gradients_host = "127.0.0.1";
};

// Thread-safe.
class Learner {
 public:
  // Listens and begins to attach.
  // INVALID_ARGUMENT: the certificate is not for the advertised host, or no other learner could connect to
  // `gradients_host`. Other errors are those of ChooseRolloutsAddress, RpcServer::Start and Coordinators::Make.
  static absl::StatusOr<std::unique_ptr<Learner>> Start(const LearnerOptions& options);
  ~Learner();

  // Works on stages, on the calling thread, until Drain or Stop ends it. Once the learner is destroyed, the coordinator
  // gives its unfinished stage to another one.
  void Run();
  // Makes Run end after the current iteration, once its checkpoint is stored, or after the stage, if that ends before.
  void Drain();
  // To be called after Drain: gives up the current iteration, but still waits for a checkpoint that is being stored.
  void GiveUpIteration();
  // Returns whether an iteration is waiting while no actor is connected.
  bool WithoutActors() const { return sink_.actor_status().without_actors > absl::ZeroDuration(); }
  // Makes Run end now, and gives up its stage.
  void Stop();

  void AddMetrics(Scrape& scrape);

 private:
  Learner(const LearnerOptions& options, std::shared_ptr<Coordinators> coordinators);

  void OnAssignment(const v1::Assignment& assignment);
  v1::WorkerHeartbeat Heartbeat();
  std::shared_ptr<StageJob> NextJob();
  void RunJob(StageJob& job);
  // Delivers a stage's outcome to the coordinator, for as long as the stage is this learner's.
  void Finish(const StageJob& job, const absl::StatusOr<v1::TrainResult>& result);
  // Repeats the call, and logs why, while the coordinator is short of something (RESOURCE_EXHAUSTED: a full disk). If
  // `insisting`, repeats it after any error except ABORTED and CANCELLED.
  absl::Status Deliver(const v1::FinishStageRequest& request, const std::string& name, bool insisting);
  // Trains a stage until it is done or has failed. Ranks that lose each other meet again, and go on from the last
  // checkpoint.
  absl::StatusOr<v1::TrainResult> Train(StageJob& job);
  // Joins the other ranks, and trains with them from the last checkpoint. Rank 0 publishes the policy and returns the
  // result; the others return an empty one.
  absl::StatusOr<v1::TrainResult> TrainTogether(TrainingInput input, const TrainingAlgorithm& algorithm, StageJob& job);
  // Ends the stage's rollouts at this rank, and exchanges the counts of trajectories with the other ranks. Rank 0 calls
  // it only after it has published the policy; the others wait in it until then.
  absl::Status ShareAccounting(StageJob& job, LearnerGroup& group);
  // Returns the last checkpoint, the same one at all ranks. nullopt: there is none.
  absl::StatusOr<std::optional<v1::Checkpoint>> LoadCheckpoint(StageJob& job, LearnerGroup& group);
  // Trains from the input's checkpoint, or from the beginning if that does not fit.
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
