// Shuffles samples and cuts them into minibatches.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_SHUFFLE_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_SHUFFLE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "common/random/random_stream.h"

namespace understudy {

// Returns the numbers 0 … count - 1 in a uniformly random order (Fisher–Yates).
std::vector<uint32_t> RandomOrder(uint32_t count, RandomStream random);

// Cuts `order` into consecutive parts of `size` samples. The last part may be smaller. The parts are views into
// `order`.
std::vector<std::span<const uint32_t>> Minibatches(std::span<const uint32_t> order, size_t size);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_SHUFFLE_H_
