// What an experiment is checked for when it is submitted.
#ifndef UNDERSTUDY_COORDINATOR_ADMISSION_H_
#define UNDERSTUDY_COORDINATOR_ADMISSION_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "common/snapshot/policy_snapshot.h"
#include "coordinator/storage/store.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

struct Admission {
  v1::ExperimentSpec spec;  // defaults filled in
  // By stage: the policy that it acts with or starts from; nullopt: none. Version 0: the one that the latest earlier
  // stage of the experiment will make. Others are settled now, so that no other experiment can change what is meant.
  std::vector<std::optional<PolicyReference>> policies;
};

// Checks an experiment by itself (ValidateExperiment) and against the store. Policies and datasets that no earlier
// stage makes must exist and fit. A dataset that a stage collects must not exist with another recipe, as far as that
// can be known: a policy that is still to be trained is another one if a setting that decides it differs, such as its
// seed. INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION or ALREADY_EXISTS names the stage's field.
absl::StatusOr<Admission> Admit(v1::ExperimentSpec spec, Store& store);

// INVALID_ARGUMENT, with both, where a policy's spaces are not the environment's.
absl::Status CheckSpaces(const v1::PolicyHeader& policy, const v1::EnvironmentSpec& environment);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_ADMISSION_H_
