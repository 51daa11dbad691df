// Random orders of samples, and minibatches of them.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_SHUFFLE_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_SHUFFLE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "common/random/random_stream.h"

namespace understudy {

// The numbers 0 … count - 1 in a uniformly random order (Fisher–Yates).
std::vector<uint32_t> RandomOrder(uint32_t count, RandomStream random);

// Consecutive parts of `order` of `size` samples, the last one perhaps smaller. Views into it.
std::vector<std::span<const uint32_t>> Minibatches(std::span<const uint32_t> order, size_t size);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_SHUFFLE_H_
