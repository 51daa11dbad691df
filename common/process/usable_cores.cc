#include "common/process/usable_cores.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace understudy {
namespace {

// Of a machine with more cores than fit in cpu_set_t, too.
std::optional<int> CoresOfAffinity() {
  constexpr int kMostCores = 1 << 16;
  for (int cores = CPU_SETSIZE; cores <= kMostCores; cores *= 2) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(CPU_ALLOC(cores), [](cpu_set_t* s) { CPU_FREE(s); });
    if (set == nullptr) return std::nullopt;
    if (sched_getaffinity(0, CPU_ALLOC_SIZE(cores), set.get()) == 0) {
      return CPU_COUNT_S(CPU_ALLOC_SIZE(cores), set.get());
    }
    if (errno != EINVAL) return std::nullopt;
  }
  return std::nullopt;
}

// Empty where there is no such file.
std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// In microseconds, as "50000". nullopt: no limit.
std::optional<int> WholeCores(const std::string& quota, const std::string& period) {
  int64_t used = 0;
  int64_t of = 0;
  if (!absl::SimpleAtoi(quota, &used) || !absl::SimpleAtoi(period, &of) || used <= 0 || of <= 0) return std::nullopt;
  return static_cast<int>(std::min<int64_t>((used - 1) / of + 1, INT32_MAX));
}

// Version 2 has "QUOTA PERIOD" or "max PERIOD" in one file, version 1 a file for each.
std::optional<int> QuotaOf(const std::string& group) {
  const std::vector<std::string> both = absl::StrSplit(FirstLine(absl::StrCat(group, "/cpu.max")), ' ');
  if (both.size() == 2) return WholeCores(both[0], both[1]);
  return WholeCores(FirstLine(absl::StrCat(group, "/cpu.cfs_quota_us")),
                    FirstLine(absl::StrCat(group, "/cpu.cfs_period_us")));
}

}  // namespace

int UsableCores() {
  const int by_affinity = CoresOfAffinity().value_or(static_cast<int>(std::thread::hardware_concurrency()));
  return std::max(1, std::min(by_affinity, CoreQuota().value_or(by_affinity)));
}

std::optional<int> CoreQuota(const std::string& root) {
  std::optional<int> least;
  std::ifstream groups(absl::StrCat(root, "/proc/self/cgroup"));
  // Lines NUMBER:CONTROLLERS:PATH; version 2 names no controllers. A path may have colons itself.
  for (std::string line; std::getline(groups, line);) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    const std::vector<std::string> controllers = absl::StrSplit(parts[1], ',');
    if (!parts[1].empty() && std::find(controllers.begin(), controllers.end(), "cpu") == controllers.end()) continue;
    for (const std::string& mount :
         parts[1].empty() ? std::vector<std::string>{"/sys/fs/cgroup"}
                          : std::vector<std::string>{absl::StrCat("/sys/fs/cgroup/", parts[1]), "/sys/fs/cgroup/cpu"}) {
      // Quotas of the groups around this one hold, too. In a container the path may be the host's: then only the mount
      // itself, which is the container's group, is found.
      for (std::string path = parts[2];; path.resize(path.rfind('/'))) {
        const std::optional<int> quota = QuotaOf(absl::StrCat(root, mount, path));
        if (quota.has_value()) least = std::min(*quota, least.value_or(*quota));
        if (path.empty() || path.rfind('/') == std::string::npos) break;
      }
    }
  }
  return least;
}

}  // namespace understudy
