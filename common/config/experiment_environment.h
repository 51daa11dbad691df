// The environment that an experiment asks for, with its options.
#ifndef UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_ENVIRONMENT_H_
#define UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_ENVIRONMENT_H_

#include "absl/status/statusor.h"
#include "understudy/v1/experiments.pb.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// Of a valid experiment: what the environment declares, and how long its steps are to take. NOT_FOUND lists the
// environments that there are.
absl::StatusOr<v1::EnvironmentSpec> EnvironmentOf(const v1::ExperimentSpec& experiment);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_ENVIRONMENT_H_
