// How long things take that happen some hundred times a second: calls, and the store's operations.
#ifndef UNDERSTUDY_COMMON_METRICS_LATENCIES_H_
#define UNDERSTUDY_COMMON_METRICS_LATENCIES_H_

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/metrics/catalogue.h"
#include "common/metrics/scrape.h"

namespace understudy {

// Thread-safe. A histogram by what was done, from 100 µs to 30 s, and a counter by what was done and the code that it
// ended with. Callers see to it that there are few of either.
class Latencies {
 public:
  // `label`: of what was done.
  Latencies(const Metric& duration, const Metric& count, std::string label);

  void Observe(const std::string& what, absl::Duration taken);
  void Count(const std::string& what, absl::StatusCode code);

  void AddTo(Scrape& scrape) const { scrape.Add(registry_.Collect()); }

 private:
  const std::string label_;
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Histogram>& durations_;
  prometheus::Family<prometheus::Counter>& counts_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_METRICS_LATENCIES_H_
