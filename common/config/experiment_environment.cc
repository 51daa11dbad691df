#include "common/config/experiment_environment.h"

#include "absl/time/time.h"
#include "common/environment/registry.h"

namespace understudy {

absl::StatusOr<v1::EnvironmentSpec> EnvironmentOf(const v1::ExperimentSpec& experiment) {
  absl::StatusOr<v1::EnvironmentSpec> environment = FindEnvironmentSpec(experiment.environment());
  absl::Duration latency;
  // Experiments that were stored before there was the option have none.
  if (environment.ok() && absl::ParseDuration(experiment.step_latency(), &latency)) {
    environment->set_step_latency_us(absl::ToInt64Microseconds(latency));
  }
  return environment;
}

}  // namespace understudy
