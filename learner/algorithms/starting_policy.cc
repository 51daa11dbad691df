#include "learner/algorithms/starting_policy.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

// Returns the header of the policy that the stage describes.
v1::PolicyHeader RequestedHeader(const TrainingInput& input) {
  v1::PolicyHeader header;
  header.set_name(input.stage.policy());
  *header.mutable_network() = input.stage.network();
  header.set_environment(input.environment.name());
  *header.mutable_observation_space() = input.environment.observation_space();
  *header.mutable_action_space() = input.environment.action_space();
  return header;
}

}  // namespace

absl::StatusOr<Policy> StartingPolicy(const TrainingInput& input) {
  v1::PolicyHeader requested = RequestedHeader(input);
  if (input.initial == nullptr) return Policy::Create(requested, input.stage.seed());

  const v1::PolicyHeader& initial = input.initial->header;
  if (!input.stage.has_network()) *requested.mutable_network() = initial.network();
  const std::string found = ArchitectureText(initial);
  const std::string expected = ArchitectureText(requested);
  if (found != expected) {
    return absl::InvalidArgumentError(absl::StrCat("initial policy ", initial.name(), "@", initial.version(),
                                                   ": found ", found, ", expected ", expected));
  }
  // The policy gets the requested header, because the snapshot may come from another environment with the same spaces.
  return Policy::FromSnapshot({.header = requested, .parameters = input.initial->parameters});
}

}  // namespace understudy
