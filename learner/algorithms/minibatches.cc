#include "learner/algorithms/minibatches.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace understudy {

std::vector<uint32_t> RandomOrder(uint32_t count, RandomStream random) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  for (uint32_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  return order;
}

std::vector<std::span<const uint32_t>> Minibatches(std::span<const uint32_t> order, size_t size) {
  std::vector<std::span<const uint32_t>> minibatches;
  for (size_t begin = 0; begin < order.size(); begin += size) {
    minibatches.push_back(order.subspan(begin, std::min(size, order.size() - begin)));
  }
  return minibatches;
}

}  // namespace understudy
