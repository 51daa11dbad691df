#include "actor/vector_environment.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/environment/registry.h"
#include "common/environment/spaces.h"

namespace understudy {
namespace {

std::string SpecText(const v1::EnvironmentSpec& spec) {
  return absl::StrCat(spec.name(), " with observations ", SpaceText(spec.observation_space()), ", actions ",
                      SpaceText(spec.action_space()), ", at most ", spec.max_episode_steps(), " steps");
}

}  // namespace

absl::StatusOr<VectorEnvironment> VectorEnvironment::Create(const v1::EnvironmentSpec& spec, int width) {
  if (width < 1 || width > kMaxInferenceWidth) {
    return absl::InvalidArgumentError(absl::StrCat("inference width ", width, ", expected 1 to ", kMaxInferenceWidth));
  }
  auto own = FindEnvironmentSpec(spec.name());
  if (!own.ok()) return own.status();
  if (SpecText(*own) != SpecText(spec)) {
    return absl::FailedPreconditionError(
        absl::StrCat("this actor's environment is ", SpecText(*own), "; the sink's is ", SpecText(spec)));
  }
  if (!spec.action_space().has_discrete()) {
    return absl::FailedPreconditionError(
        absl::StrCat("environment ", SpecText(spec), ": only discrete actions are supported"));
  }
  const absl::Duration latency = absl::Microseconds(spec.step_latency_us());
  if (latency < absl::ZeroDuration() || latency > kLongestStepLatency) {
    return absl::InvalidArgumentError(absl::StrCat("step latency ", absl::FormatDuration(latency), ", expected 0 to ",
                                                   absl::FormatDuration(kLongestStepLatency)));
  }
  own->set_step_latency_us(spec.step_latency_us());
  std::vector<std::unique_ptr<Environment>> lanes;
  for (int i = 0; i < width; ++i) {
    auto environment = MakeEnvironment(spec.name());
    if (!environment.ok()) return environment.status();
    lanes.push_back(*std::move(environment));
  }
  return VectorEnvironment(*std::move(own), std::move(lanes));
}

VectorEnvironment::VectorEnvironment(v1::EnvironmentSpec spec, std::vector<std::unique_ptr<Environment>> lanes)
    : spec_(std::move(spec)),
      lanes_(std::move(lanes)),
      observation_size_(static_cast<size_t>(SpaceSize(spec_.observation_space()))),
      observations_(lanes_.size() * observation_size_) {}

void VectorEnvironment::Swap(size_t one, size_t other) {
  std::swap(lanes_[one], lanes_[other]);
  const std::span<float> row = observation(one);
  std::swap_ranges(row.begin(), row.end(), observation(other).begin());
}

}  // namespace understudy
