#include "coordinator/coordinator.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <future>
#include <random>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "coordinator/admission.h"
#include "coordinator/recovery.h"

namespace understudy {
namespace {

// Never reached: a stream has at most three events in the queue (a message, its beginning, its end), a call one, and
// streams and calls are bounded themselves.
constexpr size_t kMostEvents = size_t{1} << 20;
constexpr size_t kFinishedStagesKept = 1000;
constexpr absl::Duration kStoreRetry = absl::Seconds(1);

absl::Status Stopping() { return absl::UnavailableError("the coordinator is stopping"); }

absl::Status NoSuchExperiment(const std::string& id) { return absl::NotFoundError(absl::StrCat("no experiment ", id)); }

bool SameKey(const v1::StageKey& a, const v1::StageKey& b) {
  return a.epoch() == b.epoch() && a.stage() == b.stage() && a.experiment_id() == b.experiment_id();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Start(Store& store) {
  const auto incarnation = store.NextIncarnation();
  if (!incarnation.ok()) return incarnation.status();
  const absl::Status recovered = RecoverStore(store, absl::Now());
  if (!recovered.ok()) return recovered;
  std::unique_ptr<Coordinator> coordinator(new Coordinator(store, *incarnation));
  coordinator->control_ = std::thread(&Coordinator::Run, coordinator.get());
  return coordinator;
}

Coordinator::Coordinator(Store& store, int64_t incarnation)
    : store_(store),
      workforce_(incarnation),
      context_{.store = store_, .workforce = workforce_, .collecting = {}},
      queue_(kMostEvents) {}

Coordinator::~Coordinator() { Stop(); }

void Coordinator::Stop() {
  queue_.Close();
  if (control_.joinable()) control_.join();
}

bool Coordinator::Post(std::function<void()> event) { return queue_.Post(std::move(event)); }

absl::Status Coordinator::Call(std::function<absl::Status(absl::Time)> call) {
  auto answer = std::make_shared<std::promise<absl::Status>>();
  std::future<absl::Status> status = answer->get_future();
  const bool posted = Post([this, answer, call = std::move(call)] {
    answers_.push_back([answer, result = call(absl::Now())] { answer->set_value(result); });
  });
  return posted ? status.get() : Stopping();
}

void Coordinator::Run() {
  absl::Time wake = absl::InfiniteFuture();
  while (true) {
    const std::vector<SerialQueue::Task> events = queue_.TakeAll(wake);
    if (events.empty() && queue_.closed()) break;
    for (const SerialQueue::Task& event : events) event();
    wake = Settle(absl::Now());
    for (const auto& answer : std::exchange(answers_, {})) answer();
  }
  CloseStreams();
}

absl::Time Coordinator::Settle(absl::Time now) {
  workforce_.Settle(now);
  absl::Time wake = workforce_.next_wake();
  for (auto run = runs_.begin(); run != runs_.end();) {
    const absl::Status settled = run->second->Settle();
    if (!settled.ok()) {
      spdlog::error("experiment {} cannot be written, will try again: {}", run->first, settled.ToString());
      wake = std::min(wake, now + kStoreRetry);
    }
    run = settled.ok() && run->second->finished() ? runs_.erase(run) : std::next(run);
  }
  return wake;
}

void Coordinator::CloseStreams() {
  for (const auto& [id, run] : runs_) run->CloseWatchers(Stopping());
  runs_.clear();
  workforce_.CloseAll(Stopping());
}

ExperimentRun* Coordinator::Find(const std::string& id) {
  const auto found = runs_.find(id);
  return found == runs_.end() ? nullptr : found->second.get();
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
  if (runs_.size() >= kMaxUnfinishedExperiments) {
    return absl::ResourceExhaustedError(
        absl::StrCat(runs_.size(), " experiments have not finished: wait for one, or cancel one"));
  }
  auto admission = Admit(request.spec(), store_);
  if (!admission.ok()) return admission.status();
  auto chosen = ChooseId(admission->spec.name());
  if (!chosen.ok()) return chosen.status();

  auto run = std::make_unique<ExperimentRun>(NewExperiment(*chosen, std::move(admission->spec), now), request.token(),
                                             std::move(admission->policies), context_);
  run->Start(now);
  const absl::Status saved = run->Settle();
  if (!saved.ok()) {
    run->Cancel(now);
    return saved;
  }
  id = *chosen;
  spdlog::info("experiment {} submitted", id);
  if (!run->finished()) runs_[id] = std::move(run);
  return absl::OkStatus();
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
  const absl::Status status = Call([&](absl::Time now) {
    ExperimentRun* run = Find(id);
    if (run != nullptr) run->Cancel(now);
    experiment = run != nullptr ? run->Describe() : store_.GetExperiment(id);
    return experiment.status();
  });
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
  return Call([&](absl::Time) {
    ExperimentRun* run = Find(request.stage().experiment_id());
    if (run == nullptr) {
      return absl::AbortedError(absl::StrCat("experiment ", request.stage().experiment_id(), " is not running"));
    }
    return run->ReportProgress(request);
  });
}

absl::Status Coordinator::FinishStage(const v1::FinishStageRequest& request) {
  return Call([&](absl::Time now) {
    const auto same = [&](const v1::StageKey& key) { return SameKey(key, request.stage()); };
    if (std::any_of(finished_.begin(), finished_.end(), same)) return absl::OkStatus();
    ExperimentRun* run = Find(request.stage().experiment_id());
    if (run == nullptr) {
      return absl::AbortedError(absl::StrCat("experiment ", request.stage().experiment_id(), " is not running"));
    }
    const absl::Status status = run->FinishTraining(request, now);
    if (status.ok()) finished_.push_back(request.stage());
    if (finished_.size() > kFinishedStagesKept) finished_.pop_front();
    return status;
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
  Post([this, link = std::move(link), message = std::move(message)] {
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
