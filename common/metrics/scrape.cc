#include "common/metrics/scrape.h"

#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>

#include "common/rollouts/accounting.h"

namespace understudy {

void Scrape::Add(const Metric& metric, const Labels& labels, double value) {
  prometheus::MetricFamily& family = families_[metric.name];
  family.name = metric.name;
  family.help = metric.help;
  family.type = metric.kind == Metric::Kind::kCounter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge;
  prometheus::ClientMetric& sample = family.metric.emplace_back();
  for (const auto& [name, text] : labels) sample.label.push_back({name, text});
  sample.counter.value = value;
  sample.gauge.value = value;
}

void Scrape::Add(const std::string& hop, const v1::TrajectoryAccounting& accounting) {
  Add(kProduced, {{"hop", hop}}, static_cast<double>(accounting.produced()));
  Add(kAccepted, {{"hop", hop}}, static_cast<double>(accounting.accepted()));
  // Zeros, too: a counter that comes into being at one has not risen, to Prometheus.
  std::map<std::string, int64_t> rejected(accounting.rejected().begin(), accounting.rejected().end());
  for (const std::string_view reason : kRejectionReasons) rejected.try_emplace(std::string(reason), 0);
  for (const auto& [reason, count] : rejected) {
    Add(kRejected, {{"hop", hop}, {"reason", reason}}, static_cast<double>(count));
  }
  if (hop != "actor") return;
  Add(kLost, {{"hop", hop}}, static_cast<double>(accounting.lost()));
  Add(kInFlight, {{"hop", hop}}, static_cast<double>(accounting.in_flight()));
}

void Scrape::Add(std::vector<prometheus::MetricFamily> families) {
  for (prometheus::MetricFamily& family : families) {
    const std::string name = family.name;
    const auto [known, added] = families_.try_emplace(name, std::move(family));
    if (added) continue;
    std::move(family.metric.begin(), family.metric.end(), std::back_inserter(known->second.metric));
  }
}

std::vector<prometheus::MetricFamily> Scrape::Take() {
  std::vector<prometheus::MetricFamily> families;
  for (auto& [name, family] : families_) families.push_back(std::move(family));
  families_.clear();
  return families;
}

}  // namespace understudy
