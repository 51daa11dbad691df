// What a process tells Prometheus: text at http://HOST:PORT/metrics, put together when it is asked for.
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

// Serves the metrics of a process. A scrape looks at what there is: nothing is counted for it that would not be counted
// without. Thread-safe.
class MetricsServer {
 public:
  using Collect = std::function<void(Scrape&)>;

  // Listens on [HOST:]PORT, the host 127.0.0.1 unless given; an IPv6 address stands in brackets; port 0: any free one.
  // Returns nullptr where `listen` is empty, which asks for no metrics. For each scrape, `collect` is called on the
  // server's thread, until the server is destroyed; it adds to what all processes have. INVALID_ARGUMENT: not
  // [HOST:]PORT. UNAVAILABLE: cannot listen there.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& listen, const std::string& process,
                                                              Collect collect);
  // HOST:PORT, the real port.
  const std::string& address() const { return address_; }

 private:
  MetricsServer(std::unique_ptr<TextServer> server, std::string address)
      : server_(std::move(server)), address_(std::move(address)) {}

  const std::unique_ptr<TextServer> server_;
  const std::string address_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_METRICS_METRICS_SERVER_H_
