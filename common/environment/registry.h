// Finds environments by name in the table of environments. All functions are thread-safe.
#ifndef UNDERSTUDY_COMMON_ENVIRONMENT_REGISTRY_H_
#define UNDERSTUDY_COMMON_ENVIRONMENT_REGISTRY_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/environment/environment.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// Returns the names in the table, ascending.
std::vector<std::string> EnvironmentNames();

// Returns the spaces and limits of an environment.
// Errors: NOT_FOUND, which lists the names in the table.
absl::StatusOr<v1::EnvironmentSpec> FindEnvironmentSpec(std::string_view name);

// Makes a new environment.
// Errors: NOT_FOUND as above.
absl::StatusOr<std::unique_ptr<Environment>> MakeEnvironment(std::string_view name);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ENVIRONMENT_REGISTRY_H_
