#include "common/process/memory.h"

#include <malloc.h>

namespace understudy {

void KeepFreedMemory() {
  mallopt(M_TRIM_THRESHOLD, 32 << 20);
  mallopt(M_MMAP_THRESHOLD, 8 << 20);
}

}  // namespace understudy
