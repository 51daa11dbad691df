// How long something took, many times.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_LATENCIES_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_LATENCIES_H_

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"

namespace understudy::simulation {

// Thread-safe.
class Latencies {
 public:
  void Add(absl::Duration latency) {
    MutexLock lock(mutex_);
    milliseconds_.push_back(absl::ToDoubleMilliseconds(latency));
  }

  // Number, median, 99th percentile and most of what was added since the last call.
  nlohmann::json Take() {
    std::vector<double> taken;
    {
      MutexLock lock(mutex_);
      taken = std::exchange(milliseconds_, {});
    }
    std::sort(taken.begin(), taken.end());
    const auto at = [&taken](size_t percent) { return taken.empty() ? 0 : taken[(taken.size() - 1) * percent / 100]; };
    return {{"count", taken.size()}, {"p50_ms", at(50)}, {"p99_ms", at(99)}, {"max_ms", at(100)}};
  }

 private:
  Mutex mutex_;
  std::vector<double> milliseconds_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace understudy::simulation

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_CLUSTER_LATENCIES_H_
