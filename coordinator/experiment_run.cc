#include "coordinator/experiment_run.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/config/experiment_validation.h"
#include "common/process/logging.h"
#include "common/rollouts/accounting.h"
#include "common/rpc/protocol.h"
#include "coordinator/dataset_recipe.h"
#include "coordinator/learner_reports.h"
#include "coordinator/stage_inputs.h"
#include "coordinator/store_writers.h"

namespace understudy {

ExperimentRun::ExperimentRun(v1::Experiment experiment, std::string token, RunContext& context)
    : experiment_(std::move(experiment)), token_(std::move(token)), context_(context) {}

v1::Experiment ExperimentRun::Describe() const {
  v1::Experiment described = experiment_;
  if (const std::optional<int> running = RunningStage(experiment_)) {
    v1::StageState& stage = *described.mutable_stages(*running);
    stage.set_workers(context_.workforce.ActorsOf(stage_id(*running)));
    stage.set_waiting_for(context_.workforce.WaitingFor(stage_id(*running)));
    if (sink_ != nullptr) {
      *stage.mutable_progress() = sink_->progress();
      *stage.mutable_trajectories() = sink_->accounting();
    }
  }
  // A change that is not stored has not happened yet. But people should know at once that storing failed, and why.
  if (!store_error_.empty() && described.status() != v1::STATUS_FAILED) {
    const int stage = RunningStage(described).value_or(described.stages_size() - 1);
    described.set_status(v1::STATUS_RUNNING);
    described.mutable_stages(stage)->set_status(v1::STATUS_RUNNING);
    described.mutable_stages(stage)->set_waiting_for(absl::StrCat("the store: ", store_error_));
  }
  return described;
}

void ExperimentRun::Start(absl::Time now) {
  if (const std::optional<int> running = RunningStage(experiment_)) Enter(*running, now);
  Advance(now);
}

void ExperimentRun::Cancel(absl::Time now) {
  if (IsFinished(status())) return;
  LeaveStage(now);
  CancelExperiment(experiment_, now);
  unsaved_ = true;
}

void ExperimentRun::Pause(absl::Time now) {
  if (at_rest()) return;
  LeaveStage(now);
  PauseExperiment(experiment_);
  unsaved_ = true;
}

void ExperimentRun::Advance(absl::Time now) {
  while (const std::optional<int> stage = StartNextStage(experiment_, now)) {
    unsaved_ = true;
    Enter(*stage, now);
  }
}

void ExperimentRun::Enter(int stage, absl::Time now) {
  auto result = StartStage(stage, now);
  if (absl::IsUnavailable(result.status())) LeaveStage(now);
  if (!result.ok()) {
    FailOrTryAgain(result.status(), now);
  } else if (result->has_value()) {
    FinishStage(experiment_, **std::move(result), now);
    unsaved_ = true;
  }
}

absl::StatusOr<std::optional<StageResult>> ExperimentRun::StartStage(int stage, absl::Time now) {
  const v1::StageSpec& spec = experiment_.spec().stages(stage);
  if (spec.has_collect()) return StartCollecting(stage, spec.collect(), now);
  if (spec.has_evaluate()) return StartEvaluating(stage, spec.evaluate(), now);
  const absl::Status started = StartTraining(stage, now);
  if (!started.ok()) return started;
  return std::nullopt;
}

absl::Status ExperimentRun::StartTraining(int stage, absl::Time now) {
  auto work = MakeLearnerWork(experiment_, stage, context_.store);
  if (!work.ok()) return work.status();
  // Behavioural cloning needs actors only for its evaluations.
  const bool actors = work->train().has_stop() || !work->train().has_bc();
  v1::StageState& state = *experiment_.mutable_stages(stage);
  if (state.grant().learners_size() != work->train().learners() ||
      state.grant().protocol_version() != kProtocolVersion) {
    context_.workforce.AddTraining(stage_id(stage), *std::move(work), actors, now);
    return absl::OkStatus();
  }
  context_.workforce.RestoreTraining(stage_id(stage), *std::move(work), actors, state.grant(), now);
  const auto metrics = context_.store.LatestMetrics(id(), stage);
  if (!metrics.ok()) {
    const LogScope scope({.experiment = id(), .epoch = state.grant().epoch()});
    spdlog::error("{}: how far it was cannot be shown: {}", StageLabel(experiment_, stage),
                  metrics.status().ToString());
  } else if (metrics->has_value()) {
    *state.mutable_progress() = **metrics;
    *state.mutable_trajectories() = (*metrics)->trajectories();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::optional<StageResult>> ExperimentRun::StartCollecting(int stage, const v1::CollectStage& collect,
                                                                          absl::Time now) {
  const auto environment = EnvironmentOf(experiment_.spec());
  if (!environment.ok()) return environment.status();
  auto policy = LoadStagePolicy(experiment_, stage, *environment, context_.store);
  if (!policy.ok()) return policy.status();
  const auto collector = context_.collecting.find(collect.dataset());
  if (collector != context_.collecting.end()) {
    return absl::AlreadyExistsError(
        absl::StrCat("dataset ", collect.dataset(), " is being collected by experiment ", collector->second));
  }

  v1::Dataset dataset;
  dataset.set_name(collect.dataset());
  *dataset.mutable_recipe() = MakeRecipe(*environment, collect, (*policy)->header);
  dataset.set_experiment_id(id());
  dataset.set_created_unix_ms(absl::ToUnixMillis(now));
  auto found = FindOrCreateDataset(std::move(dataset), context_.store);
  if (!found.ok()) return found.status();
  // The same recipe gives the same content, so all or a part of it may be there already.
  if (found->complete()) {
    v1::TrajectoryAccounting& counts = *experiment_.mutable_stages(stage)->mutable_trajectories();
    counts.set_produced(found->episodes());
    counts.set_accepted(found->episodes());
    return MakeCollectResult(*found);
  }
  auto sink = MakeCollectSink(found->name(), found->recipe(), *environment, *std::move(policy), context_.store);
  if (!sink.ok()) return sink.status();
  context_.collecting[found->name()] = id();
  return StartRollouts(stage, *std::move(sink), now);
}

absl::StatusOr<std::optional<StageResult>> ExperimentRun::StartEvaluating(int stage, const v1::EvaluateStage& evaluate,
                                                                          absl::Time now) {
  const auto environment = EnvironmentOf(experiment_.spec());
  if (!environment.ok()) return environment.status();
  auto policy = LoadStagePolicy(experiment_, stage, *environment, context_.store);
  if (!policy.ok()) return policy.status();
  auto sink = MakeEvaluateSink(stage_id(stage), *environment, evaluate, *std::move(policy), context_.store);
  if (!sink.ok()) return sink.status();
  return StartRollouts(stage, *std::move(sink), now);
}

absl::StatusOr<std::optional<StageResult>> ExperimentRun::StartRollouts(int stage,
                                                                        std::unique_ptr<CoordinatorSink> sink,
                                                                        absl::Time now) {
  sink_ = std::move(sink);
  if (!sink_->done()) {
    context_.workforce.AddRollouts(stage_id(stage), now);
    return std::nullopt;
  }
  auto result = sink_->Finish();
  if (!result.ok()) return result.status();
  LeaveStage(now);
  return *std::move(result);
}

void ExperimentRun::LeaveStage(absl::Time now) {
  try_again_ = absl::InfiniteFuture();
  const std::optional<int> running = RunningStage(experiment_);
  if (!running) return;
  v1::StageState& stage = *experiment_.mutable_stages(*running);
  if (sink_ != nullptr) {
    *stage.mutable_progress() = sink_->progress();
    *stage.mutable_trajectories() = sink_->accounting();
    context_.received = Sum(std::move(context_.received), sink_->received());
    sink_.reset();
    if (stage.kind() == "collect") context_.collecting.erase(stage.name());
  }
  context_.workforce.RemoveStage(stage_id(*running), now);
}

void ExperimentRun::FailOrTryAgain(const absl::Status& error, absl::Time now) {
  if (!absl::IsUnavailable(error)) return Fail(error, now);
  const std::string reason(error.message());
  if (std::exchange(store_error_, reason) != reason)
    spdlog::warn("experiment {} waits for the store: {}", id(), reason);
  try_again_ = now + kStoreRetry;
  watchers_.NoteChange();
}

void ExperimentRun::Fail(const absl::Status& error, absl::Time now) {
  LeaveStage(now);
  FailStage(experiment_, std::string(error.message()), now);
  unsaved_ = true;
}

void ExperimentRun::Finish(StageResult result, absl::Time now) {
  LeaveStage(now);
  FinishStage(experiment_, std::move(result), now);
  unsaved_ = true;
  Advance(now);
}

absl::Status ExperimentRun::ShowProgress(const v1::ProgressRequest& request) {
  const absl::Status current = CheckEpoch(request.stage());
  if (!current.ok()) return current;
  v1::StageState& stage = *experiment_.mutable_stages(request.stage().stage());
  *stage.mutable_progress() = request.progress();
  *stage.mutable_trajectories() = request.progress().trajectories();
  watchers_.NoteChange();
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ExperimentRun::Publish(const v1::StageKey& key, const PolicySnapshot& snapshot) {
  const absl::Status current = CheckEpoch(key);
  if (!current.ok()) return current;
  const absl::Status fits = CheckPublication(experiment_, key.stage(), snapshot.header);
  if (!fits.ok()) return fits;
  return context_.store.AddPolicy(snapshot, key);
}

absl::Status ExperimentRun::FinishTraining(const v1::FinishStageRequest& request, absl::Time now) {
  if (HasFinished(experiment_, request.stage())) return absl::OkStatus();
  const absl::Status current = CheckEpoch(request.stage());
  if (!current.ok()) return current;
  const absl::Status possible = CheckFinish(experiment_, request, context_.store);
  if (!possible.ok()) return possible;
  *experiment_.mutable_stages(request.stage().stage())->mutable_trajectories() = request.trajectories();
  if (request.has_error()) {
    Fail(absl::UnknownError(request.error()), now);
    return absl::OkStatus();
  }
  v1::TrainResult result = request.result();
  result.set_policy(experiment_.spec().stages(request.stage().stage()).train().policy());
  Finish(std::move(result), now);
  return absl::OkStatus();
}

absl::Status ExperimentRun::Connect(std::shared_ptr<ActorLink> actor, absl::Time now) {
  const absl::Status current = CheckEpoch(actor->hello().stage());
  if (!current.ok()) return absl::FailedPreconditionError(current.message());
  if (sink_ == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(StageLabel(experiment_, actor->hello().stage().stage()),
                                                      " takes its rollouts at its learner, not at the coordinator"));
  }
  if (absl::Status status = sink_->Connect(actor, now); !status.ok()) return status;
  actor->ReadNext();
  return absl::OkStatus();
}

void ExperimentRun::Receive(ActorLink& actor, std::shared_ptr<v1::ActorMessage> message, absl::Time now) {
  // A stage that ended meanwhile has closed this link already.
  if (sink_ == nullptr || !CheckEpoch(actor.hello().stage()).ok()) return;
  const absl::Status received = sink_->Receive(actor, std::move(message), now);
  watchers_.NoteChange();
  if (received.ok()) {
    SaveOrFinish(now);
  } else {
    Fail(received, now);
  }
}

void ExperimentRun::SaveOrFinish(absl::Time now) {
  if (auto results = sink_->TakeUnsaved()) {
    Save(std::move(results));
  } else if (sink_->done()) {
    FinishRollouts(now);
  }
}

void ExperimentRun::Save(std::shared_ptr<const UnsavedResults> results) {
  // The stage may be over when they are stored, and its sink's address another's: hence the weak pointer.
  context_.write_behind(
      id(), [results] { return results->Save(); },
      [results, sink = std::weak_ptr<CoordinatorSink>(sink_)](ExperimentRun& run, const absl::Status& saved,
                                                              absl::Time now) {
        run.OnSaved(sink.lock().get(), *results, saved, now);
      });
}

void ExperimentRun::FinishRollouts(absl::Time now) {
  auto result = sink_->Finish();
  if (result.ok()) {
    Finish(*std::move(result), now);
  } else {
    FailOrTryAgain(result.status(), now);
  }
}

void ExperimentRun::OnSaved(const CoordinatorSink* sink, const UnsavedResults& results, const absl::Status& saved,
                            absl::Time now) {
  if (sink_ == nullptr || sink_.get() != sink) return;
  watchers_.NoteChange();
  if (!saved.ok()) {
    Fail(saved, now);
    return;
  }
  sink_->NoteSaved(results);
  SaveOrFinish(now);
}

void ExperimentRun::Disconnect(const ActorLink& actor, absl::Time now) {
  if (sink_ != nullptr) sink_->Disconnect(actor, now);
}

void ExperimentRun::RunDue(absl::Time now) {
  const LogScope scope({.experiment = id()});
  if (sink_ != nullptr) sink_->FenceStragglers(now);
  if (now < try_again_) return;
  try_again_ = absl::InfiniteFuture();
  watchers_.NoteChange();
  if (sink_ != nullptr) {
    SaveOrFinish(now);
  } else if (const std::optional<int> running = RunningStage(experiment_)) {
    Enter(*running, now);
    Advance(now);
  }
  if (try_again_ == absl::InfiniteFuture()) store_error_.clear();
}

absl::Time ExperimentRun::next_due() const {
  return sink_ != nullptr ? std::min(sink_->next_fencing(), try_again_) : try_again_;
}

void ExperimentRun::NoteGrant() {
  // A stage that could not begin yet has no learners; its grant from before a restart stays.
  if (try_again_ != absl::InfiniteFuture()) return;
  const std::optional<int> running = RunningStage(experiment_);
  if (!running || !experiment_.spec().stages(*running).has_train()) return;
  v1::StageGrant grant = context_.workforce.GrantOf(stage_id(*running));
  v1::StageState& stage = *experiment_.mutable_stages(*running);
  if (grant.epoch() == stage.grant().epoch()) return;
  // Once the stage has no learners, a restart must not leave it to the earlier ones, who may know that it is over.
  stage.clear_grant();
  if (grant.epoch() != 0) *stage.mutable_grant() = std::move(grant);
  unsaved_ = true;
}

bool ExperimentRun::Watch(std::shared_ptr<ExperimentWatcher> watcher) {
  if (!watchers_.Add(watcher)) return false;
  const bool settled = !unsaved_ || !store_error_.empty();
  if (settled) watcher->Show(Describe());
  return true;
}

absl::Status ExperimentRun::Settle() {
  NoteGrant();
  if (unsaved_) {
    const absl::Status saved = context_.store.PutExperiment(experiment_, token_);
    if (!saved.ok()) {
      if (std::exchange(store_error_, std::string(saved.message())) != saved.message()) watchers_.Show(Describe());
      return saved;
    }
    unsaved_ = false;
    store_error_.clear();
    watchers_.NoteChange();
  }
  const std::optional<int> running = RunningStage(experiment_);
  watchers_.NoteStage(running ? context_.workforce.ActorsOf(stage_id(*running)) : 0,
                      running ? context_.workforce.WaitingFor(stage_id(*running)) : "");
  if (watchers_.TakeUnseen()) watchers_.Show(Describe());
  return absl::OkStatus();
}

absl::Status ExperimentRun::CheckEpoch(const v1::StageKey& key) const {
  const int64_t epoch = context_.workforce.StageEpoch({.experiment = key.experiment_id(), .stage = key.stage()});
  if (key.experiment_id() == id() && epoch != 0 && key.epoch() == epoch) return absl::OkStatus();
  return absl::AbortedError(
      absl::StrCat("experiment ", key.experiment_id(), " stage ", key.stage() + 1, ": epoch ", key.epoch(),
                   " is not current: ", epoch == 0 ? "nobody holds the stage" : absl::StrCat("expected ", epoch)));
}

}  // namespace understudy
