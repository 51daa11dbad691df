// The coordinator: runs experiments, assigns workers to their stages, and collects the episodes of its own stages.
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
#include "coordinator/workforce.h"

namespace understudy {

// One control thread owns all scheduling state, which therefore needs no locks. Streams post events to it and go on;
// calls post an event and wait for its answer. After each batch of events the thread plans assignments, stores what has
// changed, shows it to watchers, tells workers, and only then answers the calls. So what it answers is durable, or the
// answer is the store's error. Other threads store the episodes that actors send; the control thread acknowledges them
// afterwards. Thread-safe. After Stop, calls return UNAVAILABLE.
class Coordinator final : public RolloutHandler {
 public:
  // What becomes of the experiments that an earlier coordinator was working on.
  enum class Unfinished { kGoOn, kPause };

  // Takes over a store, which must outlive it. Unfinished experiments go on where the store has them, or are paused;
  // those that are PAUSED already stay so. The store's error.
  static absl::StatusOr<std::unique_ptr<Coordinator>> Start(Store& store, Unfinished unfinished = Unfinished::kGoOn);
  // Stops.
  ~Coordinator() override;

  // Closes all streams and joins the threads. Unfinished experiments stay unfinished in the store. Idempotent.
  void Stop();

  // --- Experiments, as in experiments.proto. NOT_FOUND names the id.

  absl::StatusOr<std::string> Submit(const v1::SubmitRequest& request);
  absl::StatusOr<v1::Experiment> GetExperiment(const std::string& id);
  absl::StatusOr<Page<v1::Experiment>> ListExperiments(const ExperimentFilter& filter, const PageRequest& page);
  absl::StatusOr<v1::Experiment> Cancel(const std::string& id);
  absl::StatusOr<v1::Experiment> Pause(const std::string& id);
  absl::StatusOr<v1::Experiment> Resume(const std::string& id);
  // Do not block. The watcher is closed with NOT_FOUND if there is no such experiment.
  void Watch(const std::string& id, std::shared_ptr<ExperimentWatcher> watcher);
  void Unwatch(const std::string& id, std::shared_ptr<ExperimentWatcher> watcher);

  // Returns what metrics show.
  absl::StatusOr<CoordinatorStatus> Observe();

  // --- Streams of workers. They do not block; see Workforce. `hello` is valid.

  void Attach(v1::WorkerHello hello, std::shared_ptr<WorkerLink> link);
  void Heartbeat(std::string worker, std::shared_ptr<WorkerLink> link, v1::WorkerHeartbeat heartbeat);
  void Detach(std::string worker, std::shared_ptr<WorkerLink> link, bool left);

  // --- Calls of workers, as in workers.proto and policy.proto. The metrics of a learner that is just being fenced may
  // still be stored; the next learner reports the same for that iteration.

  // Returns the first `limit` workers, in the order of their ids, whose ids come after `after`.
  absl::StatusOr<std::vector<v1::Worker>> ListWorkers(const std::string& after, size_t limit);
  absl::Status ReportProgress(const v1::ProgressRequest& request);
  absl::Status FinishStage(const v1::FinishStageRequest& request);
  absl::StatusOr<int64_t> Publish(const v1::StageKey& key, std::shared_ptr<const PolicySnapshot> snapshot);
  // ABORTED: the epoch is not the stage's current one.
  absl::Status CheckEpoch(const v1::StageKey& key);

  // Runs `call` on the control thread, and returns its status. The coordinator does nothing else meanwhile, and the
  // store has all that it did before. So `call` can delete what no experiment uses, while none can begin to.
  // UNAVAILABLE: the store has not taken all of that yet.
  absl::Status RunAlone(const std::function<absl::Status()>& call);

  // --- Streams of actors: RolloutService calls these.

  void OnConnected(std::shared_ptr<ActorLink> link) override;
  void OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) override;
  void OnGone(std::shared_ptr<ActorLink> link) override;

 private:
  Coordinator(Store& store, int64_t incarnation);

  // Runs `call` on the control thread, and returns its status once all that follows from it is durable. `experiment`:
  // the one that the call may change; if its state could not be stored, the store's error is returned.
  absl::Status Call(std::function<absl::Status(absl::Time now)> call, const std::string& experiment = "");
  // See WriteBehind in run_context.h.
  void WriteBehind(const std::string& id, std::function<absl::Status()> write,
                   std::function<void(ExperimentRun&, const absl::Status&, absl::Time)> then);
  // The routine of the control thread: see ControlThread::Routine.
  absl::Time Settle(absl::Time now);
  void CloseStreams();

  Store& store_;
  // Used by the control thread alone.
  Workforce workforce_;
  UnfinishedExperiments experiments_;

  ControlThread control_;
  StoreWriters writers_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_COORDINATOR_H_
