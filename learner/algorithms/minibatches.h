// Minibatches: shuffles samples, cuts their order into minibatches, and copies what belongs to one.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_MINIBATCHES_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_MINIBATCHES_H_

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "common/random/random_stream.h"

namespace understudy {

// Returns the numbers 0 … count - 1 in a uniformly random order (Fisher–Yates).
std::vector<uint32_t> RandomOrder(uint32_t count, RandomStream random);

// Cuts `order` into consecutive parts of `size` samples. The last part may be smaller. The parts are views into
// `order`.
std::vector<std::span<const uint32_t>> Minibatches(std::span<const uint32_t> order, size_t size);

// Sets target[i] = source[indices[i]].
template <typename Source, typename T, typename Index>
void GatherElements(const Source& source, std::span<const Index> indices, std::vector<T>& target) {
  target.resize(indices.size());
  for (size_t i = 0; i < indices.size(); ++i) target[i] = source[indices[i]];
}

// Copies rows of `width` numbers in the same way. `target` has room for indices.size() rows.
template <typename Index>
void GatherRows(const float* source, size_t width, std::span<const Index> indices, float* target) {
  for (size_t i = 0; i < indices.size(); ++i) {
    std::memcpy(target + i * width, source + indices[i] * width, width * sizeof(float));
  }
}

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_MINIBATCHES_H_
