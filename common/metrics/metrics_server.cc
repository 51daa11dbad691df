#include "common/metrics/metrics_server.h"

#include <prometheus/text_serializer.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/process/process.h"
#include "common/rpc/address.h"

namespace understudy {
namespace {

// Adds what Prometheus's libraries tell of every process, as Linux knows it.
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

std::string Text(const std::string& process, const MetricsServer::Collect& collect) {
  Scrape scrape;
  scrape.Add(kBuildInfo, {{"version", kVersion}, {"process", process}}, 1);
  AddProcessMetrics(scrape);
  collect(scrape);
  return prometheus::TextSerializer().Serialize(scrape.Take());
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& listen,
                                                                    const std::string& process, Collect collect) {
  if (listen.empty()) return nullptr;
  const auto address = ParseAddress(absl::StrContains(listen, ':') ? listen : absl::StrCat("127.0.0.1:", listen));
  if (!address.ok()) return absl::InvalidArgumentError(absl::StrCat("metrics: ", address.status().message()));
  const auto host = ResolveHost(address->host);
  if (!host.ok()) return host.status();
  auto server = TextServer::Start({.ip = host->ip,
                                   .port = address->port,
                                   .path = "/metrics",
                                   .content_type = "text/plain; version=0.0.4; charset=utf-8",
                                   .text = [process, collect = std::move(collect)] { return Text(process, collect); }});
  if (!server.ok()) {
    return absl::UnavailableError(absl::StrCat("metrics: cannot listen on ", listen, ": ", server.status().message()));
  }
  const std::string real = FormatAddress(address->host, (*server)->port());
  spdlog::info("metrics at http://{}/metrics", real);
  return std::unique_ptr<MetricsServer>(new MetricsServer(*std::move(server), real));
}

}  // namespace understudy
