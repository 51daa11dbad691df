// Checks what a learner reports about its training stage.
#ifndef UNDERSTUDY_COORDINATOR_LEARNER_REPORTS_H_
#define UNDERSTUDY_COORDINATOR_LEARNER_REPORTS_H_

#include "absl/status/status.h"
#include "coordinator/storage/store.h"
#include "understudy/v1/experiments.pb.h"
#include "understudy/v1/policy.pb.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

// In both functions the experiment has the stage, and INVALID_ARGUMENT names the stage, what was found and expected.

// Checks a policy to be published: whether it is the stage's policy, and fits the environment.
absl::Status CheckPublication(const v1::Experiment& experiment, int stage, const v1::PolicyHeader& policy);

// Checks the end of a stage: it has an error, or a result whose policy version was published. The store's error.
absl::Status CheckFinish(const v1::Experiment& experiment, const v1::FinishStageRequest& request, Store& store);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_LEARNER_REPORTS_H_
