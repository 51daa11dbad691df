// Serves a process's metrics to Prometheus, as text at http://HOST:PORT/metrics.
#ifndef UNDERSTUDY_COMMON_METRICS_METRICS_SERVER_H_
#define UNDERSTUDY_COMMON_METRICS_METRICS_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "common/metrics/scrape.h"
#include "common/metrics/text_server.h"

namespace understudy {

// The text is put together when a scrape asks for it, from what the process counts anyway. Thread-safe.
class MetricsServer {
 public:
  using Collect = std::function<void(Scrape&)>;

  // Starts a server on `listen`, which is [HOST:]PORT. The host is 127.0.0.1 unless given; an IPv6 address stands in
  // brackets; port 0 takes any free one. Returns nullptr if `listen` is empty: there are no metrics then. The server
  // calls `collect` for each scrape, on its own thread, until it is destroyed. It adds the metrics that all processes
  // have. INVALID_ARGUMENT: `listen` is not [HOST:]PORT. UNAVAILABLE: it is not possible to listen there.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& listen, const std::string& process,
                                                              Collect collect);
  // The address as HOST:PORT, with the real port.
  const std::string& address() const { return address_; }

 private:
  MetricsServer(std::unique_ptr<TextServer> server, std::string address)
      : server_(std::move(server)), address_(std::move(address)) {}

  const std::unique_ptr<TextServer> server_;
  const std::string address_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_METRICS_METRICS_SERVER_H_
