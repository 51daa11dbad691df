// How many processor cores this process may use.
#ifndef UNDERSTUDY_COMMON_PROCESS_USABLE_CORES_H_
#define UNDERSTUDY_COMMON_PROCESS_USABLE_CORES_H_

#include <optional>
#include <string>

namespace understudy {

// The number of cores that this process may use, at least 1: those of its affinity (taskset, cpusets), or fewer where a
// control group has a CPU quota (containers). Asks the system each time. Thread-safe.
int UsableCores();

// The smallest CPU quota of this process's control groups and those around them, in whole cores, rounded up; nullopt:
// there is none. Knows both versions of control groups, where systems mount them. `root`: the file system to read from.
std::optional<int> CoreQuota(const std::string& root = "");

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_USABLE_CORES_H_
