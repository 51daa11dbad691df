#include "coordinator/coordinator.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <random>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/process/log_fields.h"
#include "common/rollouts/accounting.h"
#include "coordinator/admission.h"
#include "coordinator/scheduling/lapse_meter.h"

namespace understudy {
namespace {

// Never reached: a stream has at most three events in the queue (a message, its beginning, its end), a call one, and
// streams and calls are bounded themselves.
constexpr size_t kMostEvents = size_t{1} << 20;
constexpr absl::Duration kComplaintInterval = absl::Seconds(10);
// The control thread looks at the clock at least so often, to tell time in which it did not run from time that passed.
constexpr absl::Duration kTick = absl::Seconds(1);

absl::Status Stopping() { return absl::UnavailableError("the coordinator is stopping"); }

absl::Status NotRunning(const v1::StageKey& stage) {
  return absl::AbortedError(absl::StrCat("experiment ", stage.experiment_id(), " is not running"));
}

absl::Status NoSuchExperiment(const std::string& id) { return absl::NotFoundError(absl::StrCat("no experiment ", id)); }

}  // namespace

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Start(Store& store) {
  const auto incarnation = store.NextIncarnation();
  if (!incarnation.ok()) return incarnation.status();
  std::unique_ptr<Coordinator> coordinator(new Coordinator(store, *incarnation));
  const absl::Status recovered = coordinator->Recover(absl::Now());
  if (!recovered.ok()) return recovered;
  coordinator->control_ = std::thread(&Coordinator::Run, coordinator.get());
  return coordinator;
}

Coordinator::Coordinator(Store& store, int64_t incarnation)
    : store_(store),
      workforce_(incarnation),
      context_{.store = store_,
               .workforce = workforce_,
               .write_behind = [this](const auto& id, auto write,
                                      auto then) { WriteBehind(id, std::move(write), std::move(then)); },
               .collecting = {},
               .received = {}},
      queue_(kMostEvents) {}

Coordinator::~Coordinator() { Stop(); }

void Coordinator::Stop() {
  queue_.Close();
  if (control_.joinable()) control_.join();
  // What was handed over is still written. Nobody is told: it is asked for again, and found to be there.
  writers_.Stop();
}

bool Coordinator::Post(std::function<void()> event) { return queue_.Post(std::move(event)); }

void Coordinator::WriteBehind(const std::string& id, std::function<absl::Status()> write,
                              std::function<void(ExperimentRun&, const absl::Status&, absl::Time)> then) {
  writers_.Post(std::move(write), [this, id, then = std::move(then)](const absl::Status& written) {
    queue_.PostBeyondCapacity([this, id, then, written] {
      if (ExperimentRun* run = Find(id)) then(*run, written, absl::Now());
    });
  });
}

absl::Status Coordinator::Call(std::function<absl::Status(absl::Time)> call, const std::string& experiment) {
  auto answer = std::make_shared<std::promise<absl::Status>>();
  std::future<absl::Status> status = answer->get_future();
  const bool posted = Post([this, answer, experiment, call = std::move(call)] {
    const absl::Status result = call(absl::Now());
    answers_.push_back(
        {experiment, [answer, result](const absl::Status& saved) { answer->set_value(result.ok() ? saved : result); }});
  });
  return posted ? status.get() : Stopping();
}

absl::Status Coordinator::Recover(absl::Time now) {
  auto experiments = store_.ListExperiments();
  if (!experiments.ok()) return experiments.status();
  // Oldest first, as they began.
  for (auto experiment = experiments->rbegin(); experiment != experiments->rend(); ++experiment) {
    if (IsFinished(experiment->status())) continue;
    const std::string id = experiment->id();
    const LogScope scope({.experiment = id});
    spdlog::info("experiment {} goes on: it had not finished when the coordinator stopped", id);
    // The token stays with the experiment: it is put again without one.
    auto run = std::make_unique<ExperimentRun>(std::move(*experiment), "", context_);
    run->Start(now);
    AddRun(id, std::move(run));
  }
  return absl::OkStatus();
}

void Coordinator::Run() {
  LapseMeter lapses(kTick * 2, absl::Now(), std::chrono::steady_clock::now());
  absl::Time wake = absl::InfinitePast();
  while (true) {
    const std::vector<SerialQueue::Task> events = queue_.TakeAll(std::min(wake, absl::Now() + kTick));
    workforce_.Pardon(lapses.Measure(absl::Now(), std::chrono::steady_clock::now()));
    if (events.empty() && queue_.closed()) break;
    for (const SerialQueue::Task& event : events) event();
    wake = Settle(absl::Now());
    GiveAnswers();
  }
  CloseStreams();
}

absl::Time Coordinator::Settle(absl::Time now) {
  for (const std::string& id : due_.TakeDue(now)) {
    if (ExperimentRun* run = Find(id)) run->Expire(now);
  }
  workforce_.Plan(now);
  for (const StageId& stage : workforce_.TakeChangedStages()) touched_.insert(stage.experiment);
  SettleRuns(now);
  workforce_.Tell();
  return std::min(due_.next(), workforce_.next_wake());
}

void Coordinator::SettleRuns(absl::Time now) {
  const bool complain = now >= complained_ + kComplaintInterval;
  for (const std::string& id : std::exchange(touched_, {})) {
    const auto found = runs_.find(id);
    if (found == runs_.end()) continue;
    ExperimentRun& run = *found->second;
    const absl::Status settled = run.Settle();
    if (settled.ok()) {
      unsaved_.erase(id);
      due_.Set(id, run.finished() ? absl::InfiniteFuture() : run.next_expiry());
      if (run.finished()) {
        NoteEnd(run);
        runs_.erase(found);
      }
      continue;
    }
    const LogScope scope({.experiment = id});
    if (complain) spdlog::error("experiment {} will be written again: {}", id, settled.ToString());
    if (complain) complained_ = now;
    unsaved_[id] = settled;
    due_.Set(id, std::min(run.next_expiry(), now + kStoreRetry));
  }
}

void Coordinator::GiveAnswers() {
  for (const Answer& answer : std::exchange(answers_, {})) {
    const auto unsaved = unsaved_.find(answer.experiment);
    answer.give(unsaved == unsaved_.end() ? absl::OkStatus() : unsaved->second);
  }
}

void Coordinator::CloseStreams() {
  for (const auto& [id, run] : runs_) run->CloseWatchers(Stopping());
  runs_.clear();
  workforce_.CloseAll(Stopping());
}

ExperimentRun* Coordinator::Find(const std::string& id) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return nullptr;
  touched_.insert(id);
  return found->second.get();
}

void Coordinator::AddRun(const std::string& id, std::unique_ptr<ExperimentRun> run) {
  runs_[id] = std::move(run);
  touched_.insert(id);
}

void Coordinator::NoteEnd(const ExperimentRun& run) {
  ++finished_[run.status()];
  const LogScope scope({.experiment = run.id()});
  spdlog::info("experiment {}: {}", run.id(), StatusLabel(run.status()));
}

absl::StatusOr<CoordinatorStatus> Coordinator::Observe() {
  CoordinatorStatus seen;
  const absl::Status status = Call([&](absl::Time) {
    seen.workers = workforce_.Count();
    seen.finished = finished_;
    seen.received = context_.received;
    for (const auto& [id, run] : runs_) {
      seen.unfinished.push_back(run->Describe());
      if (run->rollouts() == nullptr) continue;
      seen.received = Sum(std::move(seen.received), run->rollouts()->received());
      seen.leased_requests += run->rollouts()->leased();
      seen.connected_actors += run->rollouts()->connected();
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  seen.control_events = queue_.size();
  seen.store_jobs = writers_.waiting();
  return seen;
}

absl::StatusOr<std::string> Coordinator::Submit(const v1::SubmitRequest& request) {
  std::string id;
  const absl::Status status = Call([&](absl::Time now) { return SubmitNow(request, now, id); });
  if (!status.ok()) return status;
  return id;
}

absl::Status Coordinator::SubmitNow(const v1::SubmitRequest& request, absl::Time now, std::string& id) {
  if (!request.token().empty()) {
    auto earlier = store_.FindExperimentByToken(request.token());
    if (!earlier.ok()) return earlier.status();
    id = *std::move(earlier);
    if (!id.empty()) return absl::OkStatus();
  }
  if (const absl::Status room = CheckRoom(); !room.ok()) return room;
  auto admission = Admit(request.spec(), store_);
  if (!admission.ok()) return admission.status();
  auto chosen = ChooseId(admission->spec.name());
  if (!chosen.ok()) return chosen.status();

  auto run = std::make_unique<ExperimentRun>(
      NewExperiment(*chosen, std::move(admission->spec), admission->policies, now), request.token(), context_);
  run->Start(now);
  const absl::Status saved = run->Settle();
  if (!saved.ok()) {
    run->Cancel(now);
    return saved;
  }
  id = *chosen;
  const LogScope scope({.experiment = id});
  spdlog::info("experiment {} submitted", id);
  if (run->finished()) {
    NoteEnd(*run);
  } else {
    AddRun(id, std::move(run));
  }
  return absl::OkStatus();
}

absl::Status Coordinator::CheckRoom() const {
  if (runs_.size() < kMaxUnfinishedExperiments) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(runs_.size(), " experiments have not finished: wait for one, or cancel one"));
}

absl::Status Coordinator::ResumeNow(const std::string& id, absl::Time now) {
  if (ExperimentRun* run = Find(id)) {
    if (!run->finished()) return absl::OkStatus();
    // It has ended, and the store has not taken that yet.
    if (const absl::Status saved = run->Settle(); !saved.ok()) return saved;
    NoteEnd(*run);
    runs_.erase(id);
    unsaved_.erase(id);
  }
  auto experiment = store_.GetExperiment(id);
  if (!experiment.ok()) return experiment.status();
  if (experiment->status() == v1::STATUS_SUCCEEDED) {
    return absl::FailedPreconditionError(absl::StrCat("experiment ", id, " has succeeded: there is nothing to resume"));
  }
  if (const absl::Status room = CheckRoom(); !room.ok()) return room;
  ReopenExperiment(*experiment);
  const LogScope scope({.experiment = id});
  spdlog::info("experiment {} is resumed", id);
  auto run = std::make_unique<ExperimentRun>(*std::move(experiment), "", context_);
  run->Start(now);
  AddRun(id, std::move(run));
  return absl::OkStatus();
}

absl::StatusOr<v1::Experiment> Coordinator::Resume(const std::string& id) {
  const absl::Status status = Call([&](absl::Time now) { return ResumeNow(id, now); }, id);
  if (!status.ok()) return status;
  return GetExperiment(id);
}

absl::StatusOr<std::string> Coordinator::ChooseId(const std::string& name) {
  std::random_device random;
  while (true) {
    const std::string id = absl::StrFormat("%s-%06x", absl::AsciiStrToLower(name), random() & 0xffffff);
    const auto taken = store_.GetExperiment(id);
    if (absl::IsNotFound(taken.status())) return id;
    if (!taken.ok()) return taken.status();
  }
}

absl::StatusOr<v1::Experiment> Coordinator::GetExperiment(const std::string& id) {
  absl::StatusOr<v1::Experiment> experiment = NoSuchExperiment(id);
  const absl::Status status = Call([&](absl::Time) {
    ExperimentRun* run = Find(id);
    experiment = run != nullptr ? run->Describe() : store_.GetExperiment(id);
    return experiment.status();
  });
  if (!status.ok()) return status;
  return experiment;
}

absl::StatusOr<std::vector<v1::Experiment>> Coordinator::ListExperiments() {
  absl::StatusOr<std::vector<v1::Experiment>> experiments = store_.ListExperiments();
  if (!experiments.ok()) return experiments;
  const absl::Status status = Call([&](absl::Time) {
    for (v1::Experiment& experiment : *experiments) {
      if (const ExperimentRun* run = Find(experiment.id())) experiment = run->Describe();
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return experiments;
}

absl::StatusOr<v1::Experiment> Coordinator::Cancel(const std::string& id) {
  absl::StatusOr<v1::Experiment> experiment = NoSuchExperiment(id);
  const absl::Status status = Call(
      [&](absl::Time now) {
        ExperimentRun* run = Find(id);
        if (run != nullptr) run->Cancel(now);
        experiment = run != nullptr ? run->Describe() : store_.GetExperiment(id);
        return experiment.status();
      },
      id);
  if (!status.ok()) return status;
  return experiment;
}

void Coordinator::Watch(const std::string& id, std::shared_ptr<ExperimentWatcher> watcher) {
  const bool posted = Post([this, id, watcher] {
    if (ExperimentRun* run = Find(id)) {
      if (!run->Watch(watcher))
        watcher->Close(absl::ResourceExhaustedError(absl::StrCat(id, " has too many watchers")));
      return;
    }
    const auto finished = store_.GetExperiment(id);
    if (finished.ok()) {
      watcher->Show(*finished);
    } else {
      watcher->Close(finished.status());
    }
  });
  if (!posted) watcher->Close(Stopping());
}

void Coordinator::Unwatch(const std::string& id, std::shared_ptr<ExperimentWatcher> watcher) {
  Post([this, id, watcher = std::move(watcher)] {
    if (ExperimentRun* run = Find(id)) run->Unwatch(*watcher);
  });
}

void Coordinator::Attach(v1::WorkerHello hello, std::shared_ptr<WorkerLink> link) {
  const bool posted = Post([this, hello = std::move(hello), link] {
    const absl::Status attached = workforce_.Attach(hello, link, absl::Now());
    if (!attached.ok()) link->Close(attached);
    link->ReadNext();
  });
  if (!posted) link->Close(Stopping());
}

void Coordinator::Heartbeat(std::string worker, std::shared_ptr<WorkerLink> link, v1::WorkerHeartbeat heartbeat) {
  Post([this, worker = std::move(worker), link = std::move(link), heartbeat = std::move(heartbeat)] {
    workforce_.Heartbeat(worker, *link, heartbeat, absl::Now());
    link->ReadNext();
  });
}

void Coordinator::Detach(std::string worker, std::shared_ptr<WorkerLink> link, bool left) {
  Post([this, worker = std::move(worker), link = std::move(link), left] {
    workforce_.Detach(worker, *link, left, absl::Now());
  });
}

absl::StatusOr<std::vector<v1::Worker>> Coordinator::ListWorkers() {
  std::vector<v1::Worker> workers;
  const absl::Status status = Call([&](absl::Time now) {
    workers = workforce_.List(now);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return workers;
}

absl::Status Coordinator::ReportProgress(const v1::ProgressRequest& request) {
  const v1::StageKey& stage = request.stage();
  if (absl::Status status = CheckEpoch(stage); !status.ok()) return status;
  // On the caller's thread: thousands of iterations a second must not make everybody else wait for the disk.
  if (request.progress().iteration() > 0) {
    const absl::Status stored = store_.PutMetrics(stage.experiment_id(), stage.stage(), request.progress());
    if (!stored.ok()) return stored;
  }
  return Call([&](absl::Time) {
    ExperimentRun* run = Find(stage.experiment_id());
    return run != nullptr ? run->ShowProgress(request) : NotRunning(stage);
  });
}

absl::Status Coordinator::FinishStage(const v1::FinishStageRequest& request) {
  const std::string& id = request.stage().experiment_id();
  const auto finish = [&](absl::Time now) -> absl::Status {
    if (ExperimentRun* run = Find(id)) return run->FinishTraining(request, now);
    const auto experiment = store_.GetExperiment(id);
    if (experiment.ok() && HasFinished(*experiment, request.stage())) return absl::OkStatus();
    return absl::AbortedError(absl::StrCat("experiment ", id, " is not running"));
  };
  return Call(finish, id);
}

absl::Status Coordinator::CheckEpoch(const v1::StageKey& key) {
  return Call([&](absl::Time) {
    const ExperimentRun* run = Find(key.experiment_id());
    return run != nullptr ? run->CheckEpoch(key) : NotRunning(key);
  });
}

absl::StatusOr<int64_t> Coordinator::Publish(const v1::StageKey& key, std::shared_ptr<const PolicySnapshot> snapshot) {
  int64_t version = 0;
  const absl::Status status = Call([&](absl::Time) {
    ExperimentRun* run = Find(key.experiment_id());
    if (run == nullptr) return absl::AbortedError(absl::StrCat("experiment ", key.experiment_id(), " is not running"));
    const auto published = run->Publish(key, *snapshot);
    version = published.value_or(0);
    return published.status();
  });
  if (!status.ok()) return status;
  return version;
}

absl::StatusOr<std::string> Coordinator::FindDatasetUser(const std::string& dataset) {
  std::string user;
  const absl::Status status = Call([&](absl::Time) {
    for (const auto& [id, run] : runs_) {
      if (run->Uses(dataset)) user = id;
    }
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return user;
}

void Coordinator::OnConnected(std::shared_ptr<ActorLink> link) {
  const bool posted = Post([this, link] {
    const std::string& id = link->hello().stage().experiment_id();
    ExperimentRun* run = Find(id);
    const absl::Status connected =
        run != nullptr ? run->Connect(link, absl::Now())
                       : absl::FailedPreconditionError(absl::StrCat("experiment ", id, " is not running"));
    if (!connected.ok()) link->Close(connected);
  });
  if (!posted) link->Close(Stopping());
}

void Coordinator::OnMessage(std::shared_ptr<ActorLink> link, v1::ActorMessage message) {
  Post([this, link = std::move(link), message = std::make_shared<const v1::ActorMessage>(std::move(message))] {
    ExperimentRun* run = Find(link->hello().stage().experiment_id());
    if (run != nullptr) run->Receive(*link, message, absl::Now());
  });
}

void Coordinator::OnGone(std::shared_ptr<ActorLink> link) {
  Post([this, link = std::move(link)] {
    ExperimentRun* run = Find(link->hello().stage().experiment_id());
    if (run != nullptr) run->Disconnect(*link, absl::Now());
  });
}

}  // namespace understudy
