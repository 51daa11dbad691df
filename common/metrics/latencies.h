// Measures how long operations take, for Prometheus: calls, and the store's operations. It is fast enough for some
// hundred operations a second.
#ifndef UNDERSTUDY_COMMON_METRICS_LATENCIES_H_
#define UNDERSTUDY_COMMON_METRICS_LATENCIES_H_

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/metrics/catalogue.h"
#include "common/metrics/scrape.h"

namespace understudy {

// A histogram of times for each operation, from 100 µs to 30 s, and a counter for each operation and the code that it
// ended with. Callers make sure that there are few different operations and codes. Thread-safe.
class Latencies {
 public:
  // `label` is the name of the label that holds the operation.
  Latencies(const Metric& duration, const Metric& count, std::string label);

  // Adds the time that one operation took to its histogram.
  void Observe(const std::string& what, absl::Duration taken);
  // Counts one operation that ended with this code.
  void Count(const std::string& what, absl::StatusCode code);

  // Returns a function that observes and counts one operation, as ServerOptions::on_call does with each call. It must
  // not outlive this object.
  std::function<void(const std::string& what, absl::StatusCode code, absl::Duration taken)> Recorder();

  void AddTo(Scrape& scrape) const { scrape.Add(registry_.Collect()); }

 private:
  const std::string label_;
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Histogram>& durations_;
  prometheus::Family<prometheus::Counter>& counts_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_METRICS_LATENCIES_H_
