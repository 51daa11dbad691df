// Helpers with which orders make their requests.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_REQUESTS_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_REQUESTS_H_

#include <algorithm>
#include <cstdint>

#include "common/trajectory/trajectory_layout.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// Returns an even part of `amount` for each of `actors` actors: rounded up, at least 1, at most `most`.
inline int64_t EvenPart(int64_t amount, int actors, int64_t most) {
  const int64_t sharers = std::max(actors, 1);
  return std::clamp<int64_t>((amount + sharers - 1) / sharers, 1, std::max<int64_t>(most, 1));
}

// Returns a request for what the expectation names, without its work.
inline v1::RolloutRequest MakeRequest(uint64_t id, const BatchExpectation& expectation, v1::RolloutPurpose purpose,
                                      uint64_t seed) {
  v1::RolloutRequest request;
  request.set_id(id);
  request.set_policy(expectation.policy);
  request.set_policy_version(expectation.policy_version);
  request.set_action_mode(expectation.action_mode);
  request.set_purpose(purpose);
  request.set_seed(seed);
  if (expectation.record_logits) request.add_record(v1::RECORD_LOGITS);
  if (expectation.record_value) request.add_record(v1::RECORD_VALUE);
  return request;
}

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_REQUESTS_H_
