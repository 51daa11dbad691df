// How the C library treats memory that was freed. For main functions only.
#ifndef UNDERSTUDY_COMMON_PROCESS_MEMORY_H_
#define UNDERSTUDY_COMMON_PROCESS_MEMORY_H_

namespace understudy {

// For programs that send and receive messages of a megabyte all the time: what they freed they keep, up to 32 MiB at
// the end of each thread's heap, and have no page taken away and given back for every message. Pieces of 8 MiB and more
// still come from the kernel and go back there.
void KeepFreedMemory();

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_MEMORY_H_
