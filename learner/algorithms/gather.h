// Copies the elements and rows of a minibatch, chosen by index.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_GATHER_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_GATHER_H_

#include <cstring>
#include <span>
#include <vector>

namespace understudy {

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

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_GATHER_H_
