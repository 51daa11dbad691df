#include "coordinator/coordinator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace understudy {
namespace {

absl::Status NotRunning(const v1::StageKey& stage) {
  return absl::AbortedError(absl::StrCat("experiment ", stage.experiment_id(), " is not running"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Start(Store& store, Unfinished unfinished) {
  const auto incarnation = store.NextIncarnation();
  if (!incarnation.ok()) return incarnation.status();
  std::unique_ptr<Coordinator> coordinator(new Coordinator(store, *incarnation));
  UnfinishedExperiments& experiments = coordinator->experiments_;
  const absl::Status recovered =
      unfinished == Unfinished::kGoOn ? experiments.Recover(absl::Now()) : experiments.PauseAll();
  if (!recovered.ok()) return recovered;
  Coordinator& started = *coordinator;
  started.control_.Start({.note_lapse = [&started](absl::Duration lapse) { started.workforce_.NoteLapse(lapse); },
                          .settle = [&started](absl::Time now) { return started.Settle(now); },
                          .end = [&started] { started.CloseStreams(); }});
  return coordinator;
}

Coordinator::Coordinator(Store& store, int64_t incarnation)
    : store_(store),
      workforce_(incarnation),
      experiments_(store, workforce_, [this](const auto& id, auto write, auto then) {
        WriteBehind(id, std::move(write), std::move(then));
      }) {}

Coordinator::~Coordinator() { Stop(); }

void Coordinator::Stop() {
  control_.Stop();
  // Results that were handed over are still stored, but not acknowledged. They will be asked for again, or found
  // stored.
  writers_.Stop();
}

void Coordinator::WriteBehind(const std::string& id, std::function<absl::Status()> write,
                              std::function<void(ExperimentRun&, const absl::Status&, absl::Time)> then) {
  writers_.Post(std::move(write), [this, id, then = std::move(then)](const absl::Status& written) {
    control_.PostBeyondCapacity([this, id, then, written] {
      if (ExperimentRun* run = experiments_.Find(id)) then(*run, written, absl::Now());
    });
  });
}

absl::Status Coordinator::Call(std::function<absl::Status(absl::Time)> call, const std::string& experiment) {
  return control_.Call(std::move(call), [this, experiment] { return experiments_.SavedStatus(experiment); });
}

absl::Time Coordinator::Settle(absl::Time now) {
  experiments_.RunDue(now);
  workforce_.Plan(now);
  for (const StageId& stage : workforce_.TakeChangedStages()) experiments_.Touch(stage.experiment);
  // What the store has not taken is tried again when it is due.
  experiments_.Settle(now).IgnoreError();
  workforce_.Tell();
  return std::min(experiments_.next_due(), workforce_.next_plan());
}

void Coordinator::CloseStreams() {
  experiments_.CloseAll(StoppingStatus());
  workforce_.CloseAll(StoppingStatus());
}

absl::StatusOr<CoordinatorStatus> Coordinator::Observe() {
  CoordinatorStatus seen;
  const absl::Status status = Call([&](absl::Time) {
    seen.workers = workforce_.Count();
    experiments_.Observe(seen);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  seen.control_events = control_.waiting();
  seen.store_jobs = writers_.waiting();
  return seen;
}

absl::StatusOr<std::string> Coordinator::Submit(const v1::SubmitRequest& request) {
  absl::StatusOr<std::string> id;
  const absl::Status status = Call([&](absl::Time now) {
    id = experiments_.Submit(request, now);
    return id.status();
  });
  if (!status.ok()) return status;
  return id;
}

absl::StatusOr<v1::Experiment> Coordinator::Resume(const std::string& id) {
  const absl::Status status = Call([&](absl::Time now) { return experiments_.Resume(id, now); }, id);
  if (!status.ok()) return status;
  return GetExperiment(id);
}

absl::StatusOr<v1::Experiment> Coordinator::GetExperiment(const std::string& id) {
  absl::StatusOr<v1::Experiment> experiment;
  const absl::Status status = Call([&](absl::Time) {
    experiment = experiments_.Get(id);
    return experiment.status();
  });
  if (!status.ok()) return status;
  return experiment;
}

absl::StatusOr<Page<v1::Experiment>> Coordinator::ListExperiments(const ExperimentFilter& filter,
                                                                  const PageRequest& request) {
  absl::StatusOr<Page<v1::Experiment>> page = store_.ListExperiments(filter, request);
  if (!page.ok()) return page;
  const absl::Status status = Call([&](absl::Time) {
    for (v1::Experiment& experiment : page->items) {
      if (const ExperimentRun* run = experiments_.Find(experiment.id())) experiment = run->Describe();
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return page;
}

absl::StatusOr<v1::Experiment> Coordinator::Cancel(const std::string& id) {
  absl::StatusOr<v1::Experiment> experiment;
  const absl::Status status = Call(
      [&](absl::Time now) {
        if (absl::Status cancelled = experiments_.Cancel(id, now); !cancelled.ok()) return cancelled;
        experiment = experiments_.Get(id);
        return experiment.status();
      },
      id);
  if (!status.ok()) return status;
  return experiment;
}

absl::StatusOr<v1::Experiment> Coordinator::Pause(const std::string& id) {
  absl::StatusOr<v1::Experiment> experiment;
  const absl::Status status = Call(
      [&](absl::Time now) {
        if (ExperimentRun* run = experiments_.Find(id)) run->Pause(now);
        experiment = experiments_.Get(id);
        return experiment.status();
      },
      id);
  if (!status.ok()) return status;
  return experiment;
}

void Coordinator::Watch(const std::string& id, std::shared_ptr<ExperimentWatcher> watcher) {
  const bool posted = control_.Post([this, id, watcher] { experiments_.Watch(id, watcher); });
  if (!posted) watcher->Close(StoppingStatus());
}

void Coordinator::Unwatch(const std::string& id, std::shared_ptr<ExperimentWatcher> watcher) {
  control_.Post([this, id, watcher = std::move(watcher)] {
    if (ExperimentRun* run = experiments_.Find(id)) run->Unwatch(*watcher);
  });
}

void Coordinator::Attach(v1::WorkerHello hello, std::shared_ptr<WorkerLink> link) {
  const bool posted = control_.Post([this, hello = std::move(hello), link] {
    const absl::Status attached = workforce_.Attach(hello, link, absl::Now());
    if (!attached.ok()) link->Close(attached);
    link->ReadNext();
  });
  if (!posted) link->Close(StoppingStatus());
}

void Coordinator::Heartbeat(std::string worker, std::shared_ptr<WorkerLink> link, v1::WorkerHeartbeat heartbeat) {
  control_.Post([this, worker = std::move(worker), link = std::move(link), heartbeat = std::move(heartbeat)] {
    workforce_.Heartbeat(worker, *link, heartbeat, absl::Now());
    link->ReadNext();
  });
}

void Coordinator::Detach(std::string worker, std::shared_ptr<WorkerLink> link, bool left) {
  control_.Post([this, worker = std::move(worker), link = std::move(link), left] {
    workforce_.Detach(worker, *link, left, absl::Now());
  });
}

absl::StatusOr<std::vector<v1::Worker>> Coordinator::ListWorkers(const std::string& after, size_t limit) {
  std::vector<v1::Worker> workers;
  const absl::Status status = Call([&](absl::Time now) {
    workers = workforce_.List(after, limit, now);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return workers;
}

absl::Status Coordinator::ReportProgress(const v1::ProgressRequest& request) {
  const v1::StageKey& stage = request.stage();
  if (absl::Status status = CheckEpoch(stage); !status.ok()) return status;
  // On the caller's thread, so that thousands of iterations a second do not make all others wait for the disk.
  if (request.progress().iteration() > 0) {
    const absl::Status stored = store_.PutMetrics(stage.experiment_id(), stage.stage(), request.progress());
    if (!stored.ok()) return stored;
  }
  return Call([&](absl::Time) {
    ExperimentRun* run = experiments_.Find(stage.experiment_id());
    return run != nullptr ? run->ShowProgress(request) : NotRunning(stage);
  });
}

absl::Status Coordinator::FinishStage(const v1::FinishStageRequest& request) {
  const std::string& id = request.stage().experiment_id();
  const auto finish = [&](absl::Time now) -> absl::Status {
    if (ExperimentRun* run = experiments_.Find(id)) return run->FinishTraining(request, now);
    const auto experiment = store_.GetExperiment(id);
    if (experiment.ok() && HasFinished(*experiment, request.stage())) return absl::OkStatus();
    return absl::AbortedError(absl::StrCat("experiment ", id, " is not running"));
  };
  return Call(finish, id);
}

absl::Status Coordinator::CheckEpoch(const v1::StageKey& key) {
  return Call([&](absl::Time) {
    const ExperimentRun* run = experiments_.Find(key.experiment_id());
    return run != nullptr ? run->CheckEpoch(key) : NotRunning(key);
  });
}

absl::StatusOr<int64_t> Coordinator::Publish(const v1::StageKey& key, std::shared_ptr<const PolicySnapshot> snapshot) {
  int64_t version = 0;
  const absl::Status status = Call([&](absl::Time) {
    ExperimentRun* run = experiments_.Find(key.experiment_id());
    if (run == nullptr) return absl::AbortedError(absl::StrCat("experiment ", key.experiment_id(), " is not running"));
    const auto published = run->Publish(key, *snapshot);
    version = published.value_or(0);
    return published.status();
  });
  if (!status.ok()) return status;
  return version;
}

absl::Status Coordinator::RunAlone(const std::function<absl::Status()>& call) {
  return Call([&](absl::Time now) {
    const absl::Status settled = experiments_.Settle(now);
    return settled.ok() ? call() : settled;
  });
}

void Coordinator::OnConnected(std::shared_ptr<ActorLink> link) {
  const bool posted = control_.Post([this, link] {
    const std::string& id = link->hello().stage().experiment_id();
    ExperimentRun* run = experiments_.Find(id);
    const absl::Status connected =
        run != nullptr ? run->Connect(link, absl::Now())
                       : absl::FailedPreconditionError(absl::StrCat("experiment ", id, " is not running"));
    if (!connected.ok()) link->Close(connected);
  });
  if (!posted) link->Close(StoppingStatus());
}

void Coordinator::OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) {
  control_.Post([this, link = std::move(link), message = std::make_shared<v1::ActorMessage>(std::move(message))] {
    ExperimentRun* run = experiments_.Find(link->hello().stage().experiment_id());
    if (run != nullptr) run->Receive(*link, message, absl::Now());
  });
}

void Coordinator::OnGone(std::shared_ptr<ActorLink> link) {
  control_.Post([this, link = std::move(link)] {
    ExperimentRun* run = experiments_.Find(link->hello().stage().experiment_id());
    if (run != nullptr) run->Disconnect(*link, absl::Now());
  });
}

}  // namespace understudy
