#include "learner/algorithms/algorithm.h"

#include <exception>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/process/text.h"
#include "learner/algorithms/bc/bc.h"
#include "learner/algorithms/ppo/ppo.h"

namespace understudy {
namespace {

struct Entry {
  const char* name;
  absl::StatusOr<TrainingOutput> (*train)(const TrainingInput& input, TrainingContext& context);
};

// The table of algorithms.
constexpr Entry kAlgorithms[] = {
    {"bc", TrainBc},
    {"ppo", TrainPpo},
};

// Turns exceptions of libraries into a status. No other place does.
TrainingAlgorithm Guarded(const Entry& entry) {
  return [&entry](const TrainingInput& input, TrainingContext& context) -> absl::StatusOr<TrainingOutput> {
    try {
      return entry.train(input, context);
    } catch (const std::exception& error) {
      return absl::InternalError(absl::StrCat("algorithm ", entry.name, ": ", ErrorText(error.what())));
    }
  };
}

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

absl::StatusOr<TrainingAlgorithm> FindAlgorithm(std::string_view name) {
  for (const Entry& entry : kAlgorithms) {
    if (name == entry.name) return Guarded(entry);
  }
  return absl::NotFoundError(absl::StrCat(
      "algorithm \"", std::string(name), "\": expected one of: ",
      absl::StrJoin(kAlgorithms, ", ", [](std::string* out, const Entry& entry) { out->append(entry.name); })));
}

}  // namespace understudy
