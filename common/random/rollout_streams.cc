#include "common/random/rollout_streams.h"

#include <cstdlib>

namespace understudy {
namespace {

struct Purposes {
  RandomPurpose reset;
  RandomPurpose action;
};

Purposes PurposesOf(v1::RolloutPurpose purpose) {
  switch (purpose) {
    case v1::ROLLOUT_PURPOSE_TRAINING:
      return {RandomPurpose::kTrainingReset, RandomPurpose::kTrainingAction};
    case v1::ROLLOUT_PURPOSE_COLLECTION:
      return {RandomPurpose::kCollectionReset, RandomPurpose::kCollectionAction};
    case v1::ROLLOUT_PURPOSE_STOP_RULE:
      return {RandomPurpose::kStopRuleReset, RandomPurpose::kStopRuleAction};
    case v1::ROLLOUT_PURPOSE_EVALUATION:
      return {RandomPurpose::kEvaluationReset, RandomPurpose::kEvaluationAction};
    default:
      std::abort();  // CheckRequest has let no other pass
  }
}

}  // namespace

RandomStream ResetStream(const v1::RolloutRequest& request, int64_t number, int64_t episode) {
  return RandomStream(request.seed(), PurposesOf(request.purpose()).reset, static_cast<uint64_t>(number),
                      static_cast<uint64_t>(episode));
}

RandomStream ActionStream(const v1::RolloutRequest& request, int64_t number, int64_t step) {
  return RandomStream(request.seed(), PurposesOf(request.purpose()).action, static_cast<uint64_t>(number),
                      static_cast<uint64_t>(step));
}

}  // namespace understudy
