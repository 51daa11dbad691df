// Memory of a large policy that nobody uses any more, for the next.
#ifndef UNDERSTUDY_COMMON_SNAPSHOT_SPARE_MEMORY_H_
#define UNDERSTUDY_COMMON_SNAPSHOT_SPARE_MEMORY_H_

#include <cstddef>
#include <string>

#include "absl/base/thread_annotations.h"
#include "common/process/mutex.h"

namespace understudy {

// Keeps one policy's memory at most: to take a new page from the kernel costs four times as much as to fill it.
// Thread-safe.
class SpareMemory {
 public:
  // A string of this size, whose content is anything; or an empty one, where there is none.
  std::string Take(size_t size);
  // Replaces what is kept. A small one is not worth it, and freed.
  void Give(std::string memory);

 private:
  Mutex mutex_;
  std::string memory_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_SNAPSHOT_SPARE_MEMORY_H_
