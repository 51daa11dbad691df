#include "common/metrics/metrics_server.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <spdlog/spdlog.h>

#include <exception>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/metrics/process_metrics.h"
#include "common/process/process.h"
#include "common/rpc/address.h"

namespace understudy {
namespace {

class Collector final : public prometheus::Collectable {
 public:
  Collector(std::string process, MetricsServer::Collect collect)
      : process_(std::move(process)), collect_(std::move(collect)) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    Scrape scrape;
    scrape.Add(kBuildInfo, {{"version", kVersion}, {"process", process_}}, 1);
    AddProcessMetrics(scrape);
    collect_(scrape);
    return scrape.Take();
  }

 private:
  const std::string process_;
  const MetricsServer::Collect collect_;
};

}  // namespace

class MetricsServer::Impl {
 public:
  Impl(const std::string& address, std::string process, Collect collect)
      : collector_(std::make_shared<Collector>(std::move(process), std::move(collect))), exposer_(address) {
    exposer_.RegisterCollectable(collector_);
  }
  int port() const { return exposer_.GetListeningPorts().front(); }

 private:
  std::shared_ptr<Collector> collector_;
  prometheus::Exposer exposer_;  // first to go: its threads use the collector
};

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& listen,
                                                                    const std::string& process, Collect collect) {
  if (listen.empty()) return nullptr;
  const auto address = ParseAddress(absl::StrContains(listen, ':') ? listen : absl::StrCat("127.0.0.1:", listen));
  if (!address.ok()) return absl::InvalidArgumentError(absl::StrCat("metrics: ", address.status().message()));
  const auto host = ResolveHost(address->host);
  if (!host.ok()) return host.status();
  try {
    auto impl = std::make_unique<Impl>(FormatAddress(host->ip, address->port), process, std::move(collect));
    const std::string real = FormatAddress(address->host, impl->port());
    spdlog::info("metrics at http://{}/metrics", real);
    return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(impl), real));
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat("metrics: cannot listen on ", listen, ": ", error.what()));
  }
}

MetricsServer::MetricsServer(std::unique_ptr<Impl> impl, std::string address)
    : impl_(std::move(impl)), address_(std::move(address)) {}

MetricsServer::~MetricsServer() = default;

}  // namespace understudy
