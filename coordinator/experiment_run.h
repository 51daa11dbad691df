// A run: one unfinished experiment while the coordinator works on it.
#ifndef UNDERSTUDY_COORDINATOR_EXPERIMENT_RUN_H_
#define UNDERSTUDY_COORDINATOR_EXPERIMENT_RUN_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/rollouts/actor_link.h"
#include "common/snapshot/policy_snapshot.h"
#include "coordinator/coordinator_sink.h"
#include "coordinator/experiment_watchers.h"
#include "coordinator/run_context.h"
#include "coordinator/scheduling/experiment_machine.h"

namespace understudy {

// A call changes the run in memory, and may thereby end a stage and start the next. Settle then stores the experiment,
// one time for all changes since the last Settle, and shows it to watchers. Afterwards the workforce sends workers
// their new assignments (Workforce::Tell).
// Some calls write to the store themselves, and wait for it. A collect stage stores its dataset at its start, and marks
// the dataset complete at its end. Publish stores a policy. Episodes are stored in the background
// (RunContext::write_behind).
//
// The store holds everything that is needed to continue a stage: the experiment with the stage's learners, the
// learners' checkpoint, and the episodes. So a run may end at any instant, and another run continues with what the
// store holds. Thread-compatible; no gRPC, no clock.
class ExperimentRun {
 public:
  // `token`: the token that the experiment was submitted with; empty: none. `context` must outlive the run.
  ExperimentRun(v1::Experiment experiment, std::string token, RunContext& context);

  const std::string& id() const { return experiment_.id(); }
  v1::Status status() const { return experiment_.status(); }
  bool at_rest() const { return IsAtRest(status()); }
  // Returns the running stage's sink; nullptr: no stage runs, the stage trains, or it waits to be started again.
  const CoordinatorSink* sink() const { return sink_.get(); }

  // Returns the experiment as it is now, with the progress and the workers of its running stage.
  v1::Experiment Describe() const;

  // Goes on with the running stage from what the store has of it, or starts the next stage. To be called once, before
  // all else.
  void Start(absl::Time now);
  // Cancels the experiment, unless it has finished.
  void Cancel(absl::Time now);
  // Pauses the experiment, unless it is at rest. What the store has of the running stage stays there.
  void Pause(absl::Time now);

  // Returns ABORTED if the key is not of this experiment, or its epoch is not the current one of its stage. The error
  // names the key's epoch, and the stage's current one if there is one.
  absl::Status CheckEpoch(const v1::StageKey& key) const;

  // --- Calls of the learners. Each may return CheckEpoch's error, INVALID_ARGUMENT or the store's error. Then the run
  // has not changed, and the call may be repeated.

  // Shows progress to watchers. The caller has stored its metrics already.
  absl::Status ShowProgress(const v1::ProgressRequest& request);
  // Stores a policy of the stage, and returns its version. If it is stored already, returns that version.
  absl::StatusOr<int64_t> Publish(const v1::StageKey& key, const PolicySnapshot& snapshot);
  // Ends the training stage with a result or an error. Returns OK if the stage has already finished under this epoch,
  // with whatever result.
  absl::Status FinishTraining(const v1::FinishStageRequest& request, absl::Time now);

  // --- Actors of a collect or evaluate stage. The run itself lets an actor's next message in (ActorLink::ReadNext).

  // Connects an actor to the stage's sink. If this returns an error, the caller closes the link with it.
  // FAILED_PRECONDITION: the actor does not come for the running stage and epoch, or is fenced.
  // UNAVAILABLE: too many results wait to be stored. The actor may come again.
  absl::Status Connect(std::shared_ptr<ActorLink> actor, absl::Time now);
  // Receives a message of an actor. A malformed message closes the actor's link; any other error fails the stage.
  void Receive(ActorLink& actor, std::shared_ptr<v1::ActorMessage> message, absl::Time now);
  // Forgets an actor that has gone.
  void Disconnect(const ActorLink& actor, absl::Time now);

  // --- Time

  // Fences stragglers, and tries again what could not be done while the store could not be reached. To be called at
  // next_due().
  void RunDue(absl::Time now);
  // Returns when RunDue should be called even if nothing happens. Every call may change it.
  absl::Time next_due() const;

  // --- Watchers and the store

  // Adds a watcher. It is shown the experiment now and after each change. If a change has not been stored yet, Settle
  // shows it first. Returns false if there are kMaxWatchers.
  bool Watch(std::shared_ptr<ExperimentWatcher> watcher);
  // Removes a watcher.
  void Unwatch(const ExperimentWatcher& watcher) { watchers_.Remove(watcher); }

  // Stores what must be durable, then shows the experiment to watchers. If the store returns an error, call this again.
  // Until it succeeds, watchers see that the experiment waits for the store. There is one exception: if the experiment
  // has failed, they see that even before it is stored.
  absl::Status Settle();

  // Closes all watchers with a status.
  void CloseWatchers(const absl::Status& status) { watchers_.CloseAll(status); }

 private:
  StageId stage_id(int stage) const { return {.experiment = experiment_.id(), .stage = stage}; }
  // Starts the next stage. If it ends at once, because the store has its result, starts the one after it, and so on.
  void Advance(absl::Time now);
  // Begins the running stage, or goes on with it.
  void Enter(int stage, absl::Time now);
  // These start a stage. If the store already has all of the stage's result, StartCollecting and StartEvaluating return
  // it; otherwise they return nullopt.
  absl::StatusOr<std::optional<StageResult>> StartStage(int stage, absl::Time now);
  absl::Status StartTraining(int stage, absl::Time now);
  absl::StatusOr<std::optional<StageResult>> StartCollecting(int stage, const v1::CollectStage& collect,
                                                             absl::Time now);
  absl::StatusOr<std::optional<StageResult>> StartEvaluating(int stage, const v1::EvaluateStage& evaluate,
                                                             absl::Time now);
  // Returns the result if all of it was in the store already; otherwise asks the workforce for actors.
  absl::StatusOr<std::optional<StageResult>> StartRollouts(int stage, std::unique_ptr<CoordinatorSink> sink,
                                                           absl::Time now);
  // Starts to store the results that have come, on another thread. If there are none and the sink is done, finishes the
  // stage.
  void SaveOrFinish(absl::Time now);
  void Save(std::shared_ptr<const UnsavedResults> results);
  // Finishes a stage whose sink is done.
  void FinishRollouts(absl::Time now);
  // Notes that results of a sink are stored, or that storing failed. Nothing happens if the sink's stage is over.
  void OnSaved(const CoordinatorSink* sink, const UnsavedResults& results, const absl::Status& saved, absl::Time now);
  // Frees what the running stage holds: sink, dataset, workers. To be called before the stage ends.
  void LeaveStage(absl::Time now);
  // Tries again later if the error is UNAVAILABLE. Any other error fails the stage.
  void FailOrTryAgain(const absl::Status& error, absl::Time now);
  void Fail(const absl::Status& error, absl::Time now);
  void Finish(StageResult result, absl::Time now);
  // Notes in the experiment which learners have the running stage.
  void NoteGrant();

  v1::Experiment experiment_;
  const std::string token_;
  RunContext& context_;
  std::shared_ptr<CoordinatorSink> sink_;  // of the running stage
  ExperimentWatchers watchers_;
  bool unsaved_ = false;
  std::string store_error_;                        // why the experiment is unsaved, or waits
  absl::Time try_again_ = absl::InfiniteFuture();  // when to begin the running stage again, or to finish it
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_EXPERIMENT_RUN_H_
