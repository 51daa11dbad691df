// The random numbers that a rollout request's episodes and slots draw, by the request's purpose and seed.
#ifndef UNDERSTUDY_COMMON_RANDOM_ROLLOUT_STREAMS_H_
#define UNDERSTUDY_COMMON_RANDOM_ROLLOUT_STREAMS_H_

#include <cstdint>

#include "common/random/random_stream.h"
#include "understudy/v1/rollouts.pb.h"

namespace understudy {

// Both functions take a request whose purpose fits its work, as CheckRequest makes sure. `number` is that of the slot
// or the episode. Thread-safe.

// What an environment is reset with. `episode`: within the slot, from 0; for a request of whole episodes 0.
RandomStream ResetStream(const v1::RolloutRequest& request, int64_t number, int64_t episode);

// What one action is sampled with. `step`: within the slot or the episode, from 0.
RandomStream ActionStream(const v1::RolloutRequest& request, int64_t number, int64_t step);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_RANDOM_ROLLOUT_STREAMS_H_
