#include "coordinator/unfinished_experiments.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/process/logging.h"
#include "common/rollouts/accounting.h"
#include "coordinator/admission.h"
#include "coordinator/store_writers.h"

namespace understudy {
namespace {

constexpr absl::Duration kComplaintInterval = absl::Seconds(10);

}  // namespace

UnfinishedExperiments::UnfinishedExperiments(Store& store, Workforce& workforce, WriteBehind write_behind)
    : store_(store),
      context_{.store = store,
               .workforce = workforce,
               .write_behind = std::move(write_behind),
               .collecting = {},
               .received = {}} {}

absl::Status UnfinishedExperiments::Recover(absl::Time now) {
  std::vector<v1::Experiment> experiments;
  const absl::Status listed =
      ForEachItem([&](const PageRequest& page) { return store_.ListExperiments({.unfinished = true}, page); },
                  [&](v1::Experiment experiment) {
                    experiments.push_back(std::move(experiment));
                    return absl::OkStatus();
                  });
  if (!listed.ok()) return listed;
  // Oldest first, as they began.
  for (auto experiment = experiments.rbegin(); experiment != experiments.rend(); ++experiment) {
    if (experiment->status() == v1::STATUS_PAUSED) paused_.insert(experiment->id());
    if (IsAtRest(experiment->status())) continue;
    const std::string id = experiment->id();
    const LogScope scope({.experiment = id});
    spdlog::info("experiment {} goes on: it had not finished when the coordinator stopped", id);
    // The token stays with the experiment: it is put again without one.
    auto run = std::make_unique<ExperimentRun>(std::move(*experiment), "", context_);
    run->Start(now);
    Add(id, std::move(run));
  }
  if (!paused_.empty()) spdlog::info("{} experiments stay paused until they are resumed", paused_.size());
  return absl::OkStatus();
}

absl::Status UnfinishedExperiments::PauseAll() {
  return ForEachItem([&](const PageRequest& page) { return store_.ListExperiments({.unfinished = true}, page); },
                     [&](v1::Experiment experiment) {
                       paused_.insert(experiment.id());
                       if (experiment.status() == v1::STATUS_PAUSED) return absl::OkStatus();
                       PauseExperiment(experiment);
                       return store_.PutExperiment(experiment, "");
                     });
}

absl::StatusOr<std::string> UnfinishedExperiments::Submit(const v1::SubmitRequest& request, absl::Time now) {
  if (!request.token().empty()) {
    auto earlier = store_.FindExperimentByToken(request.token());
    if (!earlier.ok()) return earlier.status();
    if (!earlier->empty()) return earlier;
  }
  if (const absl::Status room = CheckRoom(); !room.ok()) return room;
  auto admission = Admit(request.spec(), store_);
  if (!admission.ok()) return admission.status();
  auto id = ChooseId(admission->spec.name());
  if (!id.ok()) return id;

  auto run = std::make_unique<ExperimentRun>(NewExperiment(*id, std::move(admission->spec), admission->policies, now),
                                             request.token(), context_);
  run->Start(now);
  const absl::Status saved = run->Settle();
  if (!saved.ok()) {
    run->Cancel(now);
    return saved;
  }
  const LogScope scope({.experiment = *id});
  spdlog::info("experiment {} submitted", *id);
  if (run->at_rest()) {
    NoteRest(*run);
  } else {
    Add(*id, std::move(run));
  }
  return id;
}

absl::Status UnfinishedExperiments::CheckRoom() const {
  if (runs_.size() < kMaxUnfinishedExperiments) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat(runs_.size(), " experiments have not finished: wait for one, or cancel one"));
}

absl::StatusOr<std::string> UnfinishedExperiments::ChooseId(const std::string& name) {
  std::random_device random;
  while (true) {
    const std::string id = absl::StrFormat("%s-%06x", absl::AsciiStrToLower(name), random() & 0xffffff);
    const auto taken = store_.GetExperiment(id);
    if (absl::IsNotFound(taken.status())) return id;
    if (!taken.ok()) return taken.status();
  }
}

absl::Status UnfinishedExperiments::Cancel(const std::string& id, absl::Time now) {
  if (ExperimentRun* run = Find(id)) {
    run->Cancel(now);
    return absl::OkStatus();
  }
  auto experiment = store_.GetExperiment(id);
  if (!experiment.ok() || experiment->status() != v1::STATUS_PAUSED) return experiment.status();
  CancelExperiment(*experiment, now);
  if (absl::Status status = store_.PutExperiment(*experiment, ""); !status.ok()) return status;
  paused_.erase(id);
  ++finished_[experiment->status()];
  return absl::OkStatus();
}

absl::Status UnfinishedExperiments::Resume(const std::string& id, absl::Time now) {
  if (ExperimentRun* run = Find(id)) {
    if (!run->at_rest()) return absl::OkStatus();
    // It has come to rest, and the store has not taken that yet.
    if (const absl::Status saved = run->Settle(); !saved.ok()) return saved;
    NoteRest(*run);
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
  paused_.erase(id);
  Add(id, std::move(run));
  return absl::OkStatus();
}

ExperimentRun* UnfinishedExperiments::Find(const std::string& id) {
  const auto found = runs_.find(id);
  if (found == runs_.end()) return nullptr;
  touched_.insert(id);
  return found->second.get();
}

absl::StatusOr<v1::Experiment> UnfinishedExperiments::Get(const std::string& id) {
  if (const ExperimentRun* run = Find(id)) return run->Describe();
  return store_.GetExperiment(id);
}

void UnfinishedExperiments::Watch(const std::string& id, std::shared_ptr<ExperimentWatcher> watcher) {
  if (ExperimentRun* run = Find(id)) {
    if (!run->Watch(watcher)) watcher->Close(absl::ResourceExhaustedError(absl::StrCat(id, " has too many watchers")));
    return;
  }
  const auto at_rest = store_.GetExperiment(id);
  if (at_rest.ok()) {
    watcher->Show(*at_rest);
  } else {
    watcher->Close(at_rest.status());
  }
}

void UnfinishedExperiments::Observe(CoordinatorStatus& seen) const {
  seen.finished = finished_;
  seen.paused = paused_.size();
  seen.received = context_.received;
  for (const auto& [id, run] : runs_) {
    seen.unfinished.push_back(run->Describe());
    if (run->sink() == nullptr) continue;
    seen.received = Sum(std::move(seen.received), run->sink()->received());
    seen.leased_requests += run->sink()->leased();
    seen.connected_actors += run->sink()->connected();
  }
}

void UnfinishedExperiments::RunDue(absl::Time now) {
  for (const std::string& id : due_.TakeDue(now)) {
    if (ExperimentRun* run = Find(id)) run->RunDue(now);
  }
}

absl::Status UnfinishedExperiments::Settle(absl::Time now) {
  const bool complain = now >= complained_ + kComplaintInterval;
  for (const std::string& id : std::exchange(touched_, {})) {
    const auto found = runs_.find(id);
    if (found == runs_.end()) continue;
    ExperimentRun& run = *found->second;
    const absl::Status settled = run.Settle();
    if (settled.ok()) {
      unsaved_.erase(id);
      due_.Set(id, run.at_rest() ? absl::InfiniteFuture() : run.next_due());
      if (run.at_rest()) {
        NoteRest(run);
        runs_.erase(found);
      }
      continue;
    }
    const LogScope scope({.experiment = id});
    if (complain) spdlog::error("experiment {} will be written again: {}", id, settled.ToString());
    if (complain) complained_ = now;
    unsaved_[id] = settled;
    due_.Set(id, std::min(run.next_due(), now + kStoreRetry));
  }
  return unsaved_.empty() ? absl::OkStatus() : unsaved_.begin()->second;
}

absl::Status UnfinishedExperiments::SavedStatus(const std::string& id) const {
  const auto unsaved = unsaved_.find(id);
  return unsaved == unsaved_.end() ? absl::OkStatus() : unsaved->second;
}

void UnfinishedExperiments::CloseAll(const absl::Status& status) {
  for (const auto& [id, run] : runs_) run->CloseWatchers(status);
  runs_.clear();
}

void UnfinishedExperiments::Add(const std::string& id, std::unique_ptr<ExperimentRun> run) {
  runs_[id] = std::move(run);
  touched_.insert(id);
}

void UnfinishedExperiments::NoteRest(const ExperimentRun& run) {
  if (run.status() == v1::STATUS_PAUSED) {
    paused_.insert(run.id());
  } else {
    ++finished_[run.status()];
  }
  const LogScope scope({.experiment = run.id()});
  spdlog::info("experiment {}: {}", run.id(), StatusLabel(run.status()));
}

}  // namespace understudy
