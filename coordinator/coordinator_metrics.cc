#include "coordinator/coordinator_metrics.h"

#include <algorithm>
#include <string>

namespace understudy {
namespace {

// Zeros, too: what is not there cannot be told from what is nil.
void AddWorkers(const CoordinatorStatus& status, Scrape& scrape) {
  for (const auto& [kind, label] : {std::pair(v1::WORKER_KIND_ACTOR, "actor"), {v1::WORKER_KIND_LEARNER, "learner"}}) {
    const auto found = status.workers.find(kind);
    const WorkerCount count = found == status.workers.end() ? WorkerCount() : found->second;
    scrape.Add(kWorkers, {{"kind", label}}, count.attached);
    scrape.Add(kAssignedWorkers, {{"kind", label}}, count.assigned);
  }
}

void AddRunning(const v1::Experiment& experiment, Scrape& scrape) {
  const auto& stages = experiment.stages();
  const auto running = std::find_if(stages.begin(), stages.end(),
                                    [](const v1::StageState& stage) { return stage.status() == v1::STATUS_RUNNING; });
  if (running == stages.end()) return;
  const Scrape::Labels labels = {{"experiment", experiment.id()}};
  const v1::StageProgress& progress = running->progress();
  scrape.Add(kExperimentStage, {{"experiment", experiment.id()}, {"kind", running->kind()}},
             static_cast<double>(running - stages.begin() + 1));
  scrape.Add(kExperimentActors, labels, running->workers());
  scrape.Add(kExperimentWaiting, labels, running->waiting_for().empty() ? 0 : 1);
  if (progress.total() > 0) {
    scrape.Add(kExperimentProgress, labels,
               std::min(1.0, static_cast<double>(progress.done()) / static_cast<double>(progress.total())));
  }
  if (progress.iteration() > 0) scrape.Add(kExperimentIteration, labels, static_cast<double>(progress.iteration()));
  const auto mean = progress.metrics().find("mean_return");
  if (mean != progress.metrics().end()) scrape.Add(kExperimentMeanReturn, labels, mean->second);
}

void AddExperiments(const CoordinatorStatus& status, Scrape& scrape) {
  std::map<v1::Status, int> unfinished = {
      {v1::STATUS_PENDING, 0}, {v1::STATUS_RUNNING, 0}, {v1::STATUS_PAUSED, static_cast<int>(status.paused)}};
  for (const v1::Experiment& experiment : status.unfinished) {
    ++unfinished[experiment.status()];
    AddRunning(experiment, scrape);
  }
  for (const auto& [name, count] : unfinished) scrape.Add(kExperiments, {{"status", StatusLabel(name)}}, count);
  for (const v1::Status end : {v1::STATUS_SUCCEEDED, v1::STATUS_FAILED, v1::STATUS_CANCELLED}) {
    const auto found = status.finished.find(end);
    scrape.Add(kFinishedExperiments, {{"status", StatusLabel(end)}},
               found == status.finished.end() ? 0.0 : static_cast<double>(found->second));
  }
}

}  // namespace

void AddMetrics(const CoordinatorStatus& status, Scrape& scrape) {
  AddWorkers(status, scrape);
  AddExperiments(status, scrape);
  scrape.Add("sink", status.received);
  scrape.Add(kRequestsLeased, static_cast<double>(status.leased_requests));
  scrape.Add(kConnectedActors, status.connected_actors);
  scrape.Add(kControlQueue, static_cast<double>(status.control_events));
  scrape.Add(kStoreQueue, static_cast<double>(status.store_jobs));
}

void CoordinatorMetrics::SetActive(Coordinator* coordinator) {
  MutexLock lock(mutex_);
  active_ = coordinator;
}

void CoordinatorMetrics::AddTo(Scrape& scrape) {
  calls_.AddTo(scrape);
  store_.AddTo(scrape);
  MutexLock lock(mutex_);
  scrape.Add(kActive, active_ == nullptr ? 0 : 1);
  if (active_ == nullptr) return;
  if (const auto status = active_->Observe(); status.ok()) AddMetrics(*status, scrape);
}

}  // namespace understudy
