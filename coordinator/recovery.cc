#include "coordinator/recovery.h"

#include "coordinator/scheduling/experiment_machine.h"

namespace understudy {

absl::Status RecoverStore(Store& store, absl::Time now) {
  const auto datasets = store.ListDatasets();
  if (!datasets.ok()) return datasets.status();
  for (const v1::Dataset& dataset : *datasets) {
    if (dataset.complete()) continue;
    const absl::Status deleted = store.DeleteDataset(dataset.name());
    if (!deleted.ok()) return deleted;
  }
  const auto experiments = store.ListExperiments();
  if (!experiments.ok()) return experiments.status();
  for (v1::Experiment experiment : *experiments) {
    if (IsFinished(experiment.status())) continue;
    StartNextStage(experiment, now);
    FailStage(experiment, "the coordinator was restarted while it ran", now);
    // The token stays with the experiment: it is put again without one.
    const absl::Status saved = store.PutExperiment(experiment, "");
    if (!saved.ok()) return saved;
  }
  return absl::OkStatus();
}

}  // namespace understudy
