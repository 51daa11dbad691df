// The control plane: experiments, workers, and the rollouts of its own stages.
#ifndef UNDERSTUDY_COORDINATOR_COORDINATOR_H_
#define UNDERSTUDY_COORDINATOR_COORDINATOR_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rollouts/rollout_service.h"
#include "common/snapshot/policy_snapshot.h"
#include "coordinator/control_thread.h"
#include "coordinator/coordinator_status.h"
#include "coordinator/experiment_run.h"
#include "coordinator/experiment_watchers.h"
#include "coordinator/storage/store.h"
#include "coordinator/store_writers.h"
#include "coordinator/unfinished_experiments.h"
#include "coordinator/worker_link.h"
#include "coordinator/workforce.h"

namespace understudy {

// Thread-safe. One control thread owns all scheduling state, so that no locks are needed there and every event sees the
// effects of the one before: streams post to it and go on, calls post and wait. After each batch of events it sends
// plans, writes what changed once, shows it to watchers, tells workers, and only then answers the calls: what it
// answers is durable, or the answer is the store's error. Results of actors are made durable by threads of their own,
// and acknowledged then. After Stop: UNAVAILABLE.
class Coordinator final : public RolloutHandler {
 public:
  // What becomes of the experiments that an earlier coordinator was working on.
  enum class Unfinished { kGoOn, kPause };

  // Takes over a store, which must outlive it. Unfinished experiments go on where the store has them, or are paused;
  // those that are PAUSED already stay so. The store's error.
  static absl::StatusOr<std::unique_ptr<Coordinator>> Start(Store& store, Unfinished unfinished = Unfinished::kGoOn);
  // Stops.
  ~Coordinator() override;

  // Closes all streams and joins the control thread. Idempotent. What the store holds is left as it is.
  void Stop();

  // As in experiments.proto. NOT_FOUND names the id.
  absl::StatusOr<std::string> Submit(const v1::SubmitRequest& request);
  absl::StatusOr<v1::Experiment> GetExperiment(const std::string& id);
  absl::StatusOr<Page<v1::Experiment>> ListExperiments(const ExperimentFilter& filter, const PageRequest& page);
  absl::StatusOr<v1::Experiment> Cancel(const std::string& id);
  absl::StatusOr<v1::Experiment> Pause(const std::string& id);
  absl::StatusOr<v1::Experiment> Resume(const std::string& id);
  // Non-blocking. The watcher is closed with NOT_FOUND where there is no such experiment.
  void Watch(const std::string& id, std::shared_ptr<ExperimentWatcher> watcher);
  void Unwatch(const std::string& id, std::shared_ptr<ExperimentWatcher> watcher);

  // UNAVAILABLE: it is stopping.
  absl::StatusOr<CoordinatorStatus> Observe();

  // Workers, non-blocking; see Workforce. `hello` is valid.
  void Attach(v1::WorkerHello hello, std::shared_ptr<WorkerLink> link);
  void Heartbeat(std::string worker, std::shared_ptr<WorkerLink> link, v1::WorkerHeartbeat heartbeat);
  void Detach(std::string worker, std::shared_ptr<WorkerLink> link, bool left);

  // As in workers.proto and policy.proto. Of a learner that is fenced just now, metrics may still be stored: they are
  // what the next one reports for the same iteration, too.
  // Lists by id, from behind `after` on, at most `limit`.
  absl::StatusOr<std::vector<v1::Worker>> ListWorkers(const std::string& after, size_t limit);
  absl::Status ReportProgress(const v1::ProgressRequest& request);
  absl::Status FinishStage(const v1::FinishStageRequest& request);
  absl::StatusOr<int64_t> Publish(const v1::StageKey& key, std::shared_ptr<const PolicySnapshot> snapshot);
  // ABORTED where the epoch is not the stage's current one.
  absl::Status CheckEpoch(const v1::StageKey& key);

  // Runs `call` on the control thread, and returns its status: the coordinator does nothing else meanwhile, and what it
  // has done is in the store. UNAVAILABLE: the store has not taken all of that yet. For what may be deleted only while
  // no experiment begins to use it.
  absl::Status RunAlone(const std::function<absl::Status()>& call);

  // Streams of actors.
  void OnConnected(std::shared_ptr<ActorLink> link) override;
  void OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) override;
  void OnGone(std::shared_ptr<ActorLink> link) override;

 private:
  Coordinator(Store& store, int64_t incarnation);

  // Runs `call` on the control thread and returns its status once everything that follows from it is durable.
  // `experiment`: the one that the call may change; the store's error where its state could not be written.
  absl::Status Call(std::function<absl::Status(absl::Time now)> call, const std::string& experiment = "");
  // See WriteBehind of experiment_run.h.
  void WriteBehind(const std::string& id, std::function<absl::Status()> write,
                   std::function<void(ExperimentRun&, const absl::Status&, absl::Time)> then);
  // Of the control thread: see ControlThread::Routine.
  absl::Time Settle(absl::Time now);
  void CloseStreams();

  Store& store_;
  // The control thread's own.
  Workforce workforce_;
  UnfinishedExperiments experiments_;

  ControlThread control_;
  StoreWriters writers_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_COORDINATOR_H_
