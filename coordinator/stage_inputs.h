// Looks up what a stage begins with: the policy and the dataset that it names, as the store has them.
#ifndef UNDERSTUDY_COORDINATOR_STAGE_INPUTS_H_
#define UNDERSTUDY_COORDINATOR_STAGE_INPUTS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "common/snapshot/policy_snapshot.h"
#include "coordinator/storage/store.h"
#include "understudy/v1/datasets.pb.h"
#include "understudy/v1/experiments.pb.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

// All functions may also return the store's error.

// Returns the policy version that a stage uses: the version that it names, or otherwise the one that the latest earlier
// stage made. NOT_FOUND: no earlier stage made one.
absl::StatusOr<PolicyReference> ResolvePolicy(const v1::Experiment& experiment, int stage);

// Loads the policy that a collect or evaluate stage acts with. CheckSpaces' error.
absl::StatusOr<std::shared_ptr<const PolicySnapshot>> LoadStagePolicy(const v1::Experiment& experiment, int stage,
                                                                      const v1::EnvironmentSpec& environment,
                                                                      Store& store);

// Returns what all learners of a training stage are told. CheckDemonstrations' error.
absl::StatusOr<v1::LearnerWork> MakeLearnerWork(const v1::Experiment& experiment, int stage, Store& store);

// Returns the stored dataset of that name, complete or not. If there is none, it stores `dataset` and returns that.
// ALREADY_EXISTS: the stored one has another recipe.
absl::StatusOr<v1::Dataset> FindOrCreateDataset(v1::Dataset dataset, Store& store);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STAGE_INPUTS_H_
