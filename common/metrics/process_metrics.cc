#include "common/metrics/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace understudy {

void AddProcessMetrics(Scrape& scrape) {
  rusage usage = {};
  if (getrusage(RUSAGE_SELF, &usage) == 0) {
    const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * time.tv_usec; };
    scrape.Add(kProcessCpu, seconds(usage.ru_utime) + seconds(usage.ru_stime));
  }
  double size = 0;
  double resident = 0;
  if (std::ifstream("/proc/self/statm") >> size >> resident) {
    scrape.Add(kProcessMemory, resident * static_cast<double>(sysconf(_SC_PAGESIZE)));
  }
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (!error) scrape.Add(kProcessFiles, static_cast<double>(std::distance(begin(files), end(files))));
}

}  // namespace understudy
