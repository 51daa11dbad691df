// Which datasets and policies unfinished experiments use: these must not be deleted.
#ifndef UNDERSTUDY_COORDINATOR_EXPERIMENT_USES_H_
#define UNDERSTUDY_COORDINATOR_EXPERIMENT_USES_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/storage/store.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Whether a stage that has not finished makes or reads this dataset.
bool UsesDataset(const v1::Experiment& experiment, const std::string& dataset);

// Whether a stage that has not finished makes a policy of this name, or uses this version of it. Version 0: any.
bool UsesPolicy(const v1::Experiment& experiment, const std::string& name, int64_t version);

// FAILED_PRECONDITION: an experiment of the store that has not finished uses the dataset; the message names it. Or the
// store's error.
absl::Status CheckDatasetUnused(Store& store, const std::string& dataset);
// The same for a policy's version; 0: for all of them.
absl::Status CheckPolicyUnused(Store& store, const std::string& name, int64_t version);

// Runs a function while no experiment can begin or end: Coordinator::RunAlone. Where there is no coordinator, nothing
// has to be kept away.
using RunAlone = std::function<absl::Status(const std::function<absl::Status()>&)>;
inline absl::Status RunWithoutCoordinator(const std::function<absl::Status()>& call) { return call(); }

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_EXPERIMENT_USES_H_
