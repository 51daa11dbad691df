// How many files and connections the process may have open.
#ifndef UNDERSTUDY_COMMON_PROCESS_OPEN_FILES_H_
#define UNDERSTUDY_COMMON_PROCESS_OPEN_FILES_H_

#include <cstdint>

namespace understudy {

// Raises the soft limit of open files to the hard one: the usual soft one of 1,024 is what a thousand idle connections
// use up. Returns the limit as it is then; where it cannot be raised, nothing has changed. Child processes inherit it.
uint64_t RaiseOpenFileLimit();

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_OPEN_FILES_H_
