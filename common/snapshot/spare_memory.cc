#include "common/snapshot/spare_memory.h"

#include <utility>

namespace understudy {
namespace {

constexpr size_t kLarge = size_t{1} << 20;

}  // namespace

std::string SpareMemory::Take(size_t size) {
  MutexLock lock(mutex_);
  std::string taken = std::exchange(memory_, {});
  return taken.size() == size ? std::move(taken) : std::string();
}

void SpareMemory::Give(std::string memory) {
  if (memory.size() < kLarge) return;
  MutexLock lock(mutex_);
  memory_.swap(memory);  // what was kept is freed after the lock
}

}  // namespace understudy
