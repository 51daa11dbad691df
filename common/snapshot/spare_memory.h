// Keeps the memory of a large policy that is gone, so that the next policy can use it.
#ifndef UNDERSTUDY_COMMON_SNAPSHOT_SPARE_MEMORY_H_
#define UNDERSTUDY_COMMON_SNAPSHOT_SPARE_MEMORY_H_

#include <cstddef>
#include <string>

#include "absl/base/thread_annotations.h"
#include "common/process/mutex.h"

namespace understudy {

// Keeps the memory of one policy at most. This pays because taking a new page from the kernel costs four times as much
// as filling it. Thread-safe.
class SpareMemory {
 public:
  // Takes the kept memory. Returns a string of this size with arbitrary content, or an empty string if the kept memory
  // has another size. Nothing is kept afterwards.
  std::string Take(size_t size);
  // Keeps this memory instead of the memory kept before. Memory below 1 MiB is freed at once, because keeping it does
  // not pay.
  void Give(std::string memory);

 private:
  Mutex mutex_;
  std::string memory_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SNAPSHOT_SPARE_MEMORY_H_
