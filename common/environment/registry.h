// The table of environments, by name.
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

// Names in the table, ascending. Thread-safe, as is everything here.
std::vector<std::string> EnvironmentNames();

// Spaces and limits of an environment. NOT_FOUND lists the names that there are.
absl::StatusOr<v1::EnvironmentSpec> FindEnvironmentSpec(std::string_view name);

// A new environment. NOT_FOUND as above.
absl::StatusOr<std::unique_ptr<Environment>> MakeEnvironment(std::string_view name);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ENVIRONMENT_REGISTRY_H_
