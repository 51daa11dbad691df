// What a stage begins with: the policy and the dataset that it means, as the store has them.
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

// All may return the store's error, too.

// The policy version that a stage's reference means now: the one that it names, or the one that the latest earlier
// stage has made. NOT_FOUND: none has.
absl::StatusOr<PolicyReference> ResolvePolicy(const v1::Experiment& experiment, int stage);

// The policy that a collect or evaluate stage acts with. CheckSpaces' error.
absl::StatusOr<std::shared_ptr<const PolicySnapshot>> LoadStagePolicy(const v1::Experiment& experiment, int stage,
                                                                      const v1::EnvironmentSpec& environment,
                                                                      Store& store);

// What the learners of a training stage are all told. CheckDemonstrations' error.
absl::StatusOr<v1::LearnerWork> MakeLearnerWork(const v1::Experiment& experiment, int stage, Store& store);

// The stored dataset of that name, as far as it has come, or `dataset`, which is stored then. ALREADY_EXISTS: its
// recipe is another.
absl::StatusOr<v1::Dataset> FindOrCreateDataset(v1::Dataset dataset, Store& store);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STAGE_INPUTS_H_
