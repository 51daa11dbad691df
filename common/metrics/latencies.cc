#include "common/metrics/latencies.h"

#include <utility>

namespace understudy {
namespace {

// In seconds.
const prometheus::Histogram::BucketBoundaries& Buckets() {
  static const prometheus::Histogram::BucketBoundaries& buckets =
      *new prometheus::Histogram::BucketBoundaries{0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30};
  return buckets;
}

}  // namespace

Latencies::Latencies(const Metric& duration, const Metric& count, std::string label)
    : label_(std::move(label)),
      durations_(prometheus::BuildHistogram().Name(duration.name).Help(duration.help).Register(registry_)),
      counts_(prometheus::BuildCounter().Name(count.name).Help(count.help).Register(registry_)) {}

void Latencies::Observe(const std::string& what, absl::Duration taken) {
  durations_.Add({{label_, what}}, Buckets()).Observe(absl::ToDoubleSeconds(taken));
}

void Latencies::Count(const std::string& what, absl::StatusCode code) {
  counts_.Add({{label_, what}, {"code", absl::StatusCodeToString(code)}}).Increment();
}

std::function<void(const std::string&, absl::StatusCode, absl::Duration)> Latencies::Recorder() {
  return [this](const std::string& what, absl::StatusCode code, absl::Duration taken) {
    Observe(what, taken);
    Count(what, code);
  };
}

}  // namespace understudy
