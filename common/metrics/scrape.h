// The answer to one scrape, while it is being put together.
#ifndef UNDERSTUDY_COMMON_METRICS_SCRAPE_H_
#define UNDERSTUDY_COMMON_METRICS_SCRAPE_H_

#include <prometheus/metric_family.h>

#include <map>
#include <string>
#include <vector>

#include "common/metrics/catalogue.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// Thread-compatible.
class Scrape {
 public:
  using Labels = std::map<std::string, std::string>;

  // A counter's or gauge's value.
  void Add(const Metric& metric, double value) { Add(metric, {}, value); }
  void Add(const Metric& metric, const Labels& labels, double value);
  // What became of trajectories; `hop`: actor or sink.
  void Add(const std::string& hop, const v1::TrajectoryAccounting& accounting);
  // Of another collector.
  void Add(std::vector<prometheus::MetricFamily> families);

  // Every metric once, with all of its label values.
  std::vector<prometheus::MetricFamily> Take();

 private:
  std::map<std::string, prometheus::MetricFamily> families_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_METRICS_SCRAPE_H_
