#include "coordinator/experiment_run.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/environment/registry.h"
#include "coordinator/admission.h"
#include "coordinator/demonstrations.h"

namespace understudy {

ExperimentRun::ExperimentRun(v1::Experiment experiment, std::string token,
                             std::vector<std::optional<PolicyReference>> policies, RunContext& context)
    : experiment_(std::move(experiment)), token_(std::move(token)), policies_(std::move(policies)), context_(context) {}

v1::Experiment ExperimentRun::Describe() const {
  v1::Experiment described = experiment_;
  if (const std::optional<int> running = RunningStage(experiment_)) {
    v1::StageState& stage = *described.mutable_stages(*running);
    stage.set_workers(context_.workforce.ActorsOf(stage_id(*running)));
    if (rollouts_ != nullptr) *stage.mutable_progress() = rollouts_->progress();
  }
  return described;
}

void ExperimentRun::Start(absl::Time now) { Advance(now); }

void ExperimentRun::Cancel(absl::Time now) {
  if (finished()) return;
  LeaveStage(now);
  CancelExperiment(experiment_, now);
  unsaved_ = true;
}

void ExperimentRun::Advance(absl::Time now) {
  while (const std::optional<int> stage = StartNextStage(experiment_, now)) {
    unsaved_ = true;
    auto result = StartStage(*stage, now);
    if (!result.ok()) {
      Fail(result.status(), now);
    } else if (result->has_value()) {
      FinishStage(experiment_, **std::move(result), now);
    }
  }
}

absl::StatusOr<std::optional<StageResult>> ExperimentRun::StartStage(int stage, absl::Time now) {
  const v1::StageSpec& spec = experiment_.spec().stages(stage);
  if (spec.has_collect()) return StartCollecting(stage, spec.collect(), now);
  const absl::Status started =
      spec.has_train() ? StartTraining(stage, spec.train(), now) : StartEvaluating(stage, spec.evaluate(), now);
  if (!started.ok()) return started;
  return std::nullopt;
}

absl::Status ExperimentRun::StartTraining(int stage, const v1::TrainStage& train, absl::Time now) {
  const auto environment = FindEnvironmentSpec(experiment_.spec().environment());
  if (!environment.ok()) return environment.status();
  v1::LearnerWork work;
  work.set_environment(environment->name());
  *work.mutable_train() = train;
  if (!train.dataset().empty()) {
    const auto dataset = context_.store.GetDataset(train.dataset());
    if (!dataset.ok()) return dataset.status();
    const absl::Status usable = CheckDemonstrations(*dataset, train, *environment);
    if (!usable.ok()) return usable;
  }
  if (!train.initial().empty()) {
    const auto reference = Resolve(stage);
    if (!reference.ok()) return reference.status();
    const auto initial = context_.store.GetPolicy(reference->name, reference->version);
    if (!initial.ok()) return initial.status();
    *work.mutable_initial() = initial->header();
  }
  // Cloning from data needs actors for its evaluations only.
  const bool actors = train.has_stop() || !train.has_bc();
  context_.workforce.AddTraining(stage_id(stage), std::move(work), actors, now);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<StageResult>> ExperimentRun::StartCollecting(int stage, const v1::CollectStage& collect,
                                                                          absl::Time now) {
  const auto environment = FindEnvironmentSpec(experiment_.spec().environment());
  if (!environment.ok()) return environment.status();
  auto policy = LoadPolicy(stage, *environment);
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
  const auto existing = context_.store.GetDataset(dataset.name());
  if (existing.ok()) {
    if (!SameRecipe(existing->recipe(), dataset.recipe())) return OtherRecipeError(*existing);
    // The same recipe gives the same content: it is there already.
    if (existing->complete()) return MakeCollectResult(*existing);
    const absl::Status deleted = context_.store.DeleteDataset(dataset.name());
    if (!deleted.ok()) return deleted;
  } else if (!absl::IsNotFound(existing.status())) {
    return existing.status();
  }
  const absl::Status created = context_.store.CreateDataset(dataset);
  if (!created.ok()) return created;
  context_.collecting[dataset.name()] = id();
  rollouts_ = MakeCollectStage(dataset.name(), dataset.recipe(), *std::move(policy), context_.store);
  context_.workforce.AddRollouts(stage_id(stage), now);
  return std::nullopt;
}

absl::Status ExperimentRun::StartEvaluating(int stage, const v1::EvaluateStage& evaluate, absl::Time now) {
  const auto environment = FindEnvironmentSpec(experiment_.spec().environment());
  if (!environment.ok()) return environment.status();
  auto policy = LoadPolicy(stage, *environment);
  if (!policy.ok()) return policy.status();
  rollouts_ = MakeEvaluateStage(*environment, evaluate, *std::move(policy));
  context_.workforce.AddRollouts(stage_id(stage), now);
  return absl::OkStatus();
}

void ExperimentRun::LeaveStage(absl::Time now) {
  const std::optional<int> running = RunningStage(experiment_);
  if (!running) return;
  v1::StageState& stage = *experiment_.mutable_stages(*running);
  if (rollouts_ != nullptr) {
    *stage.mutable_progress() = rollouts_->progress();
    if (!rollouts_->done()) rollouts_->Abandon();
    rollouts_.reset();
    if (stage.kind() == "collect") context_.collecting.erase(stage.name());
  }
  published_.reset();
  context_.workforce.RemoveStage(stage_id(*running), now);
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

absl::Status ExperimentRun::ReportProgress(const v1::ProgressRequest& request) {
  const absl::Status current = CheckEpoch(request.stage());
  if (!current.ok()) return current;
  if (request.progress().iteration() > 0) {
    const absl::Status stored = context_.store.PutMetrics(id(), request.stage().stage(), request.progress());
    if (!stored.ok()) return stored;
  }
  *experiment_.mutable_stages(request.stage().stage())->mutable_progress() = request.progress();
  unshown_ = true;
  return absl::OkStatus();
}

absl::StatusOr<int64_t> ExperimentRun::Publish(const v1::StageKey& key, const PolicySnapshot& snapshot) {
  const absl::Status current = CheckEpoch(key);
  if (!current.ok()) return current;
  const v1::StageSpec& stage = experiment_.spec().stages(key.stage());
  if (!stage.has_train() || snapshot.header.name() != stage.train().policy()) {
    return absl::InvalidArgumentError(absl::StrCat(StageLabel(experiment_, key.stage()), " cannot publish policy ",
                                                   snapshot.header.name(), ": expected ", stage.train().policy()));
  }
  const auto environment = FindEnvironmentSpec(experiment_.spec().environment());
  if (!environment.ok()) return environment.status();
  const absl::Status fits = CheckSpaces(snapshot.header, *environment);
  if (!fits.ok()) return fits;
  const auto version = context_.store.AddPolicy(snapshot, key);
  if (!version.ok()) return version.status();
  published_ = snapshot.header;
  published_->set_version(*version);
  return *version;
}

absl::Status ExperimentRun::FinishTraining(const v1::FinishStageRequest& request, absl::Time now) {
  const absl::Status current = CheckEpoch(request.stage());
  if (!current.ok()) return current;
  const std::string label = StageLabel(experiment_, request.stage().stage());
  if (!experiment_.spec().stages(request.stage().stage()).has_train()) {
    return absl::InvalidArgumentError(absl::StrCat(label, " is not finished by a learner"));
  }
  if (request.has_error()) {
    Fail(absl::UnknownError(request.error()), now);
    return absl::OkStatus();
  }
  if (!request.has_result() || !published_ || request.result().policy_version() != published_->version()) {
    return absl::InvalidArgumentError(
        absl::StrCat(label, " finished with policy version ", request.result().policy_version(),
                     ", expected the version that it published last: ", published_ ? published_->version() : 0));
  }
  v1::TrainResult result = request.result();
  result.set_policy(published_->name());
  result.set_policy_digest(published_->digest());
  Finish(std::move(result), now);
  return absl::OkStatus();
}

absl::Status ExperimentRun::Connect(std::shared_ptr<ActorLink> actor, absl::Time now) {
  const absl::Status current = CheckEpoch(actor->hello().stage());
  if (!current.ok()) return absl::FailedPreconditionError(current.message());
  if (rollouts_ == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(StageLabel(experiment_, actor->hello().stage().stage()),
                                                      " takes its rollouts at its learner, not at the coordinator"));
  }
  if (absl::Status status = rollouts_->Connect(actor, now); !status.ok()) return status;
  actor->ReadNext();
  return absl::OkStatus();
}

void ExperimentRun::Receive(ActorLink& actor, const v1::ActorMessage& message, absl::Time now) {
  // A stage that ended meanwhile has closed this link already.
  if (rollouts_ == nullptr || !CheckEpoch(actor.hello().stage()).ok()) return;
  const absl::Status received = rollouts_->Receive(actor, message, now);
  unshown_ = true;
  if (!received.ok()) {
    Fail(received, now);
  } else if (rollouts_->done()) {
    auto result = rollouts_->Finish();
    if (result.ok()) {
      Finish(*std::move(result), now);
    } else {
      rollouts_->Abandon();
      Fail(result.status(), now);
    }
  }
}

void ExperimentRun::Disconnect(const ActorLink& actor, absl::Time now) {
  if (rollouts_ != nullptr) rollouts_->Disconnect(actor, now);
}

bool ExperimentRun::Uses(const std::string& dataset) const {
  for (int i = 0; i < experiment_.stages_size(); ++i) {
    const v1::StageSpec& spec = experiment_.spec().stages(i);
    const std::string& used = spec.has_collect() ? spec.collect().dataset() : spec.train().dataset();
    if (!IsFinished(experiment_.stages(i).status()) && used == dataset) return true;
  }
  return false;
}

bool ExperimentRun::Watch(std::shared_ptr<ExperimentWatcher> watcher) {
  if (watchers_.size() >= kMaxWatchers) return false;
  watcher->Show(Describe());
  watchers_.push_back(std::move(watcher));
  return true;
}

void ExperimentRun::Unwatch(const ExperimentWatcher& watcher) {
  std::erase_if(watchers_, [&watcher](const auto& other) { return other.get() == &watcher; });
}

absl::Status ExperimentRun::Settle() {
  if (unsaved_) {
    const absl::Status saved = context_.store.PutExperiment(experiment_, token_);
    if (!saved.ok()) return saved;
    unsaved_ = false;
    unshown_ = true;
  }
  const std::optional<int> running = RunningStage(experiment_);
  const int workers = running ? context_.workforce.ActorsOf(stage_id(*running)) : 0;
  unshown_ |= std::exchange(shown_workers_, workers) != workers;
  if (std::exchange(unshown_, false) && !watchers_.empty()) {
    const v1::Experiment described = Describe();
    for (const auto& watcher : watchers_) watcher->Show(described);
  }
  return absl::OkStatus();
}

void ExperimentRun::CloseWatchers(const absl::Status& status) {
  for (const auto& watcher : std::exchange(watchers_, {})) watcher->Close(status);
}

absl::StatusOr<PolicyReference> ExperimentRun::Resolve(int stage) const {
  const PolicyReference reference = policies_.at(stage).value_or(PolicyReference());
  if (reference.version > 0) return reference;
  for (int i = stage - 1; i >= 0; --i) {
    const v1::TrainResult& made = experiment_.stages(i).train();
    if (made.policy() == reference.name)
      return PolicyReference{.name = made.policy(), .version = made.policy_version()};
  }
  return absl::NotFoundError(absl::StrCat("no earlier stage has made policy ", reference.name));
}

absl::StatusOr<std::shared_ptr<const PolicySnapshot>> ExperimentRun::LoadPolicy(
    int stage, const v1::EnvironmentSpec& environment) {
  const auto reference = Resolve(stage);
  if (!reference.ok()) return reference.status();
  auto policy = context_.store.LoadPolicy(reference->name, reference->version);
  if (!policy.ok()) return policy.status();
  const absl::Status fits = CheckSpaces((*policy)->header, environment);
  if (!fits.ok()) return fits;
  return policy;
}

absl::Status ExperimentRun::CheckEpoch(const v1::StageKey& key) const {
  const int64_t epoch = context_.workforce.StageEpoch({.experiment = key.experiment_id(), .stage = key.stage()});
  if (key.experiment_id() == id() && epoch != 0 && key.epoch() == epoch) return absl::OkStatus();
  return absl::AbortedError(
      absl::StrCat("experiment ", key.experiment_id(), ", stages[", key.stage(), "]: epoch ", key.epoch(),
                   " is not current: ", epoch == 0 ? "nobody holds the stage" : absl::StrCat("expected ", epoch)));
}

}  // namespace understudy
