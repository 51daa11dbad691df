// Whether what a learner says of its training stage can be.
#ifndef UNDERSTUDY_COORDINATOR_LEARNER_REPORTS_H_
#define UNDERSTUDY_COORDINATOR_LEARNER_REPORTS_H_

#include "absl/status/status.h"
#include "coordinator/storage/store.h"
#include "understudy/v1/experiments.pb.h"
#include "understudy/v1/policy.pb.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

// Both are told a stage that the experiment has. INVALID_ARGUMENT names the stage, what was found and what was
// expected.

// A policy that it is to publish: it is the stage's, and fits the environment.
absl::Status CheckPublication(const v1::Experiment& experiment, int stage, const v1::PolicyHeader& policy);

// How the stage ended: with an error, or a policy version that it has published. The store's error.
absl::Status CheckFinish(const v1::Experiment& experiment, const v1::FinishStageRequest& request, Store& store);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_LEARNER_REPORTS_H_
