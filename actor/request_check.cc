#include "actor/request_check.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/environment/spaces.h"

namespace understudy {
namespace {

// Streams and indices of random numbers: see RandomStream.
constexpr int64_t kStreamLimit = int64_t{1} << 56;
constexpr int64_t kIndexLimit = int64_t{1} << 32;

absl::Status Wrong(const std::string& what) { return absl::InvalidArgumentError(what); }

absl::Status CheckRange(int64_t begin, int64_t end) {
  if (begin < 0 || end <= begin || end > kStreamLimit || end - begin > kMaxNumbersPerRequest) {
    return Wrong(absl::StrCat("numbers from ", begin, " up to ", end, ", expected 1 to ", kMaxNumbersPerRequest,
                              " numbers that are not negative"));
  }
  return absl::OkStatus();
}

absl::Status CheckStates(const v1::SegmentRequest& segments) {
  const int64_t slots = segments.end() - segments.begin();
  if (segments.states_size() != 0 && segments.states_size() != slots) {
    return Wrong(absl::StrCat(segments.states_size(), " slot states, expected none or ", slots));
  }
  for (int i = 0; i < segments.states_size(); ++i) {
    const v1::SlotState& state = segments.states(i);
    if (state.slot() != segments.begin() + i) {
      return Wrong(absl::StrCat("state ", i, " is slot ", state.slot(), "'s, expected ", segments.begin() + i));
    }
    if (state.steps() < 0 || state.steps() > kIndexLimit - segments.steps() || state.episode() < 0 ||
        state.episode() > kIndexLimit - segments.steps() || state.episode_step() < 0 ||
        state.episode_step() > state.steps()) {
      return Wrong(absl::StrCat("slot ", state.slot(), " is at transition ", state.steps(), ", episode ",
                                state.episode(), ", step ", state.episode_step(), ": out of range"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckPurpose(const v1::RolloutRequest& request) {
  const bool valid = request.has_segments() ? request.purpose() == v1::ROLLOUT_PURPOSE_TRAINING
                                            : request.purpose() == v1::ROLLOUT_PURPOSE_COLLECTION ||
                                                  request.purpose() == v1::ROLLOUT_PURPOSE_STOP_RULE ||
                                                  request.purpose() == v1::ROLLOUT_PURPOSE_EVALUATION;
  if (valid) return absl::OkStatus();
  return Wrong(absl::StrCat("purpose ", request.purpose(), ", expected ",
                            request.has_segments() ? "training, which alone learns from segments"
                                                   : "collection, stop rule or evaluation, which take episodes"));
}

absl::Status CheckWork(const v1::RolloutRequest& request) {
  switch (request.work_case()) {
    case v1::RolloutRequest::kEpisodes:
      return CheckRange(request.episodes().begin(), request.episodes().end());
    case v1::RolloutRequest::kSegments: {
      const v1::SegmentRequest& segments = request.segments();
      if (absl::Status status = CheckRange(segments.begin(), segments.end()); !status.ok()) return status;
      if (segments.steps() < 1 || segments.steps() > kMaxStepsPerSegment) {
        return Wrong(absl::StrCat(segments.steps(), " steps, expected 1 to ", kMaxStepsPerSegment));
      }
      return CheckStates(segments);
    }
    case v1::RolloutRequest::WORK_NOT_SET:
      break;
  }
  return Wrong("neither segments nor episodes");
}

absl::Status CheckSpaces(const v1::PolicyHeader& policy, const v1::EnvironmentSpec& environment) {
  const auto text = [](const v1::Space& observations, const v1::Space& actions) {
    return absl::StrCat("observations ", SpaceText(observations), ", actions ", SpaceText(actions));
  };
  const std::string made_for = text(policy.observation_space(), policy.action_space());
  const std::string found = text(environment.observation_space(), environment.action_space());
  if (made_for == found) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("policy ", policy.name(), "@", policy.version(), " was made for ",
                                                    made_for, "; environment ", environment.name(), " has ", found));
}

}  // namespace

absl::Status CheckRequest(const v1::RolloutRequest& request, const v1::PolicyHeader& policy,
                          const v1::EnvironmentSpec& environment) {
  if (request.action_mode() != v1::ACTION_MODE_SAMPLE && request.action_mode() != v1::ACTION_MODE_GREEDY) {
    return Wrong(absl::StrCat("action mode ", request.action_mode(), ", expected sample or greedy"));
  }
  for (const int record : request.record()) {
    if (record != v1::RECORD_LOGITS && record != v1::RECORD_VALUE) {
      return Wrong(absl::StrCat("record ", record, ", expected logits or value"));
    }
  }
  if (absl::Status status = CheckWork(request); !status.ok()) return status;
  if (absl::Status status = CheckPurpose(request); !status.ok()) return status;
  return CheckSpaces(policy, environment);
}

}  // namespace understudy
