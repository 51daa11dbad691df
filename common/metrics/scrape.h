// Puts together the answer to one scrape.
#ifndef UNDERSTUDY_COMMON_METRICS_SCRAPE_H_
#define UNDERSTUDY_COMMON_METRICS_SCRAPE_H_

#include <prometheus/metric_family.h>

#include <map>
#include <string>
#include <vector>

#include "common/metrics/catalogue.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// A set of metrics with their values. Thread-compatible.
class Scrape {
 public:
  using Labels = std::map<std::string, std::string>;

  // Adds the value of a counter or gauge.
  void Add(const Metric& metric, double value) { Add(metric, {}, value); }
  void Add(const Metric& metric, const Labels& labels, double value);
  // Adds the counts of trajectories at one end of a hop; `hop` is "actor" or "sink".
  void Add(const std::string& hop, const v1::TrajectoryAccounting& accounting);
  // Adds the metrics of another collector.
  void Add(std::vector<prometheus::MetricFamily> families);

  // Returns every metric once, with all of its label values.
  std::vector<prometheus::MetricFamily> Take();

 private:
  std::map<std::string, prometheus::MetricFamily> families_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_METRICS_SCRAPE_H_
