// One unfinished experiment, and what happens while it runs.
#ifndef UNDERSTUDY_COORDINATOR_EXPERIMENT_RUN_H_
#define UNDERSTUDY_COORDINATOR_EXPERIMENT_RUN_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rollouts/actor_link.h"
#include "common/snapshot/policy_snapshot.h"
#include "coordinator/experiment_watcher.h"
#include "coordinator/experiment_watchers.h"
#include "coordinator/rollout_stage.h"
#include "coordinator/scheduling/experiment_machine.h"
#include "coordinator/storage/store.h"
#include "coordinator/workforce.h"

namespace understudy {

class ExperimentRun;

// Calls `write` on another thread, which may wait for the disk, again and again while the store cannot be reached, and
// `then` with its status when nothing else happens at the run of that id, if there is one by then.
using WriteBehind = std::function<void(const std::string& id, std::function<absl::Status()> write,
                                       std::function<void(ExperimentRun&, const absl::Status&, absl::Time now)> then)>;

// What all runs share.
struct RunContext {
  Store& store;
  Workforce& workforce;
  WriteBehind write_behind;
  // Datasets that are being collected, and by which experiment.
  std::map<std::string, std::string> collecting;
  // What became of trajectories that came to stages that are over.
  v1::TrajectoryAccounting received = {};
};

// Thread-compatible; no gRPC, no clock. Stages begin and end at once, in the call that causes it; the store, watchers
// and workers hear of it when everything that happens at that time has happened: Settle, and the workforce's.
//
// Whatever a stage needs to go on is in the store: its experiment (with who trains it), the learner's checkpoint, the
// episodes. So a run may end at any instant, and another go on with what the store holds.
class ExperimentRun {
 public:
  // `context` must outlive it.
  ExperimentRun(v1::Experiment experiment, std::string token, RunContext& context);

  const std::string& id() const { return experiment_.id(); }
  v1::Status status() const { return experiment_.status(); }
  bool at_rest() const { return IsAtRest(status()); }
  // The running stage's sink; nullptr: it has none here.
  const RolloutStage* rollouts() const { return rollouts_.get(); }

  // The experiment as of now, with progress and workers.
  v1::Experiment Describe() const;

  // Goes on with the stage that is running, from where the store has it, or starts the next one.
  void Start(absl::Time now);
  void Cancel(absl::Time now);
  // Stops work on the running stage; what the store has of it stays there.
  void Pause(absl::Time now);

  // ABORTED: the epoch is not the stage's current one, naming both.
  absl::Status CheckEpoch(const v1::StageKey& key) const;

  // Calls of the learner. CheckEpoch's error; INVALID_ARGUMENT, or the store's error: nothing has changed. Metrics are
  // in the store by the time that progress is shown.
  absl::Status ShowProgress(const v1::ProgressRequest& request);
  absl::StatusOr<int64_t> Publish(const v1::StageKey& key, const PolicySnapshot& snapshot);
  absl::Status FinishTraining(const v1::FinishStageRequest& request, absl::Time now);

  // Streams of actors to a collect or evaluate stage. FAILED_PRECONDITION: not the running stage and epoch, naming
  // both; or the actor is fenced.
  absl::Status Connect(std::shared_ptr<ActorLink> actor, absl::Time now);
  void Receive(ActorLink& actor, std::shared_ptr<const v1::ActorMessage> message, absl::Time now);
  void Disconnect(const ActorLink& actor, absl::Time now);
  // Fences actors that keep others waiting, and goes on with what had to wait for the store; when to look again.
  void Expire(absl::Time now);
  absl::Time next_expiry() const;

  // A stage that has not finished makes or reads this dataset.
  bool Uses(const std::string& dataset) const;

  // Shows the experiment now, and when it has changed. False: it has kMaxWatchers.
  bool Watch(std::shared_ptr<ExperimentWatcher> watcher) { return watchers_.Add(std::move(watcher), Describe()); }
  void Unwatch(const ExperimentWatcher& watcher) { watchers_.Remove(watcher); }

  // Writes to the store what must be durable, then shows it to the watchers. After an error of the store, to be called
  // again: until then watchers see the experiment wait for the store, or, where it has failed, the failure.
  absl::Status Settle();

  void CloseWatchers(const absl::Status& status) { watchers_.CloseAll(status); }

 private:
  StageId stage_id(int stage) const { return {.experiment = experiment_.id(), .stage = stage}; }
  // Starts stages until one takes time, or none is left.
  void Advance(absl::Time now);
  // Begins with the running stage.
  void Enter(int stage, absl::Time now);
  // A result where the stage has it at once.
  absl::StatusOr<std::optional<StageResult>> StartStage(int stage, absl::Time now);
  absl::Status StartTraining(int stage, absl::Time now);
  absl::StatusOr<std::optional<StageResult>> StartCollecting(int stage, const v1::CollectStage& collect,
                                                             absl::Time now);
  absl::StatusOr<std::optional<StageResult>> StartEvaluating(int stage, const v1::EvaluateStage& evaluate,
                                                             absl::Time now);
  // The result where all of it was in the store already; otherwise actors are asked for.
  absl::StatusOr<std::optional<StageResult>> StartRollouts(int stage, std::unique_ptr<RolloutStage> rollouts,
                                                           absl::Time now);
  // Has saved what came, and finishes the stage once that is all.
  void ContinueRollouts(absl::Time now);
  void OnSaved(const RolloutStage* stage, const UnsavedResults& results, const absl::Status& saved, absl::Time now);
  // Frees whatever the running stage holds. To be called before its state changes.
  void LeaveStage(absl::Time now);
  // UNAVAILABLE: what it could not do is tried again a little later. Any other error fails the stage.
  void FailOrTryAgain(const absl::Status& error, absl::Time now);
  void Fail(const absl::Status& error, absl::Time now);
  void Finish(StageResult result, absl::Time now);
  // Takes down who trains the running stage now.
  void NoteGrant();

  v1::Experiment experiment_;
  const std::string token_;
  RunContext& context_;
  std::shared_ptr<RolloutStage> rollouts_;  // of the running stage
  ExperimentWatchers watchers_;
  bool unsaved_ = false;
  std::string store_error_;                        // why it is unsaved, or waits
  absl::Time try_again_ = absl::InfiniteFuture();  // to begin with the running stage, or to finish it
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_EXPERIMENT_RUN_H_
