// The control plane: experiments, workers, and the rollouts of its own stages.
#ifndef UNDERSTUDY_COORDINATOR_COORDINATOR_H_
#define UNDERSTUDY_COORDINATOR_COORDINATOR_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rollouts/rollout_service.h"
#include "common/snapshot/policy_snapshot.h"
#include "coordinator/coordinator_status.h"
#include "coordinator/experiment_run.h"
#include "coordinator/experiment_watcher.h"
#include "coordinator/scheduling/due_times.h"
#include "coordinator/serial_queue.h"
#include "coordinator/storage/store.h"
#include "coordinator/store_writers.h"
#include "coordinator/worker_link.h"
#include "coordinator/workforce.h"

namespace understudy {

inline constexpr size_t kMaxUnfinishedExperiments = 1000;

// Thread-safe. One control thread owns all scheduling state, so that no locks are needed there and every event sees the
// effects of the one before: streams post to it and go on, calls post and wait. After each batch of events it sends
// plans, writes what changed once, shows it to watchers, tells workers, and only then answers the calls: what it
// answers is durable, or the answer is the store's error. Results of actors are made durable by threads of their own,
// and acknowledged then. After Stop: UNAVAILABLE.
class Coordinator final : public RolloutHandler {
 public:
  // Takes over a store, which must outlive it: experiments that have not finished go on where the store has them. The
  // store's error.
  static absl::StatusOr<std::unique_ptr<Coordinator>> Start(Store& store);
  // Stops.
  ~Coordinator() override;

  // Closes all streams and joins the control thread. Idempotent. What the store holds is left as it is.
  void Stop();

  // As in experiments.proto. NOT_FOUND names the id.
  absl::StatusOr<std::string> Submit(const v1::SubmitRequest& request);
  absl::StatusOr<v1::Experiment> GetExperiment(const std::string& id);
  absl::StatusOr<std::vector<v1::Experiment>> ListExperiments();
  absl::StatusOr<v1::Experiment> Cancel(const std::string& id);
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
  absl::StatusOr<std::vector<v1::Worker>> ListWorkers();
  absl::Status ReportProgress(const v1::ProgressRequest& request);
  absl::Status FinishStage(const v1::FinishStageRequest& request);
  absl::StatusOr<int64_t> Publish(const v1::StageKey& key, std::shared_ptr<const PolicySnapshot> snapshot);
  // ABORTED where the epoch is not the stage's current one.
  absl::Status CheckEpoch(const v1::StageKey& key);

  // The experiment that uses a dataset; empty: none does.
  absl::StatusOr<std::string> FindDatasetUser(const std::string& dataset);

  // Streams of actors.
  void OnConnected(std::shared_ptr<ActorLink> link) override;
  void OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) override;
  void OnGone(std::shared_ptr<ActorLink> link) override;

 private:
  Coordinator(Store& store, int64_t incarnation);

  struct Answer {
    std::string experiment;  // it is an answer only where this one's state is on disk; empty: in any case
    std::function<void(const absl::Status& saved)> give;
  };

  // Runs `call` on the control thread and returns its status once everything that follows from it is durable.
  // `experiment`: the one that the call may change; the store's error where its state could not be written.
  absl::Status Call(std::function<absl::Status(absl::Time now)> call, const std::string& experiment = "");
  bool Post(std::function<void()> event);
  // See RunContext.
  void WriteBehind(const std::string& id, std::function<absl::Status()> write,
                   std::function<void(ExperimentRun&, const absl::Status&, absl::Time)> then);
  // The control thread. All below is its own.
  void Run();
  // Goes on with what has not finished.
  absl::Status Recover(absl::Time now);
  // Returns when to be called again even if nothing happens.
  absl::Time Settle(absl::Time now);
  // Those that something may have happened to, and no others.
  void SettleRuns(absl::Time now);
  void GiveAnswers();
  absl::Status SubmitNow(const v1::SubmitRequest& request, absl::Time now, std::string& id);
  absl::Status ResumeNow(const std::string& id, absl::Time now);
  absl::Status CheckRoom() const;
  absl::StatusOr<std::string> ChooseId(const std::string& name);
  // nullptr: it has finished, or never was. Whoever asks may change it: it is settled then.
  ExperimentRun* Find(const std::string& id);
  void AddRun(const std::string& id, std::unique_ptr<ExperimentRun> run);
  // It has ended, and the store knows.
  void NoteEnd(const ExperimentRun& run);
  void CloseStreams();

  Store& store_;
  Workforce workforce_;
  RunContext context_;
  std::map<std::string, std::unique_ptr<ExperimentRun>> runs_;
  std::set<std::string> touched_;                 // runs that are to be settled
  DueTimes due_;                                  // runs that are to be settled even if nothing happens
  std::map<std::string, absl::Status> unsaved_;   // experiments whose state the store has not taken, and why
  absl::Time complained_ = absl::InfinitePast();  // in the log, about those
  std::vector<Answer> answers_;                   // given after Settle
  std::map<v1::Status, int64_t> finished_;        // experiments that ended, by how

  SerialQueue queue_;
  StoreWriters writers_;
  std::thread control_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_COORDINATOR_H_
