// One unfinished experiment, and what happens while it runs.
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
  const CoordinatorSink* sink() const { return sink_.get(); }

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
  void Receive(ActorLink& actor, std::shared_ptr<v1::ActorMessage> message, absl::Time now);
  void Disconnect(const ActorLink& actor, absl::Time now);
  // Fences actors that keep others waiting, and goes on with what had to wait for the store; when to look again.
  void RunDue(absl::Time now);
  absl::Time next_due() const;

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
  absl::StatusOr<std::optional<StageResult>> StartRollouts(int stage, std::unique_ptr<CoordinatorSink> sink,
                                                           absl::Time now);
  // Stores the results that have come, on another thread; or finishes the stage if all are stored that it wants.
  void SaveOrFinish(absl::Time now);
  void Save(std::shared_ptr<const UnsavedResults> results);
  void FinishRollouts(absl::Time now);
  // Notes that results of a sink are stored, or that storing failed. Nothing happens if the sink's stage is over.
  void OnSaved(const CoordinatorSink* sink, const UnsavedResults& results, const absl::Status& saved, absl::Time now);
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
  std::shared_ptr<CoordinatorSink> sink_;  // of the running stage
  ExperimentWatchers watchers_;
  bool unsaved_ = false;
  std::string store_error_;                        // why it is unsaved, or waits
  absl::Time try_again_ = absl::InfiniteFuture();  // to begin with the running stage, or to finish it
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_EXPERIMENT_RUN_H_
