// What a process tells Prometheus: text at http://HOST:PORT/metrics, put together when it is asked for.
#ifndef UNDERSTUDY_COMMON_METRICS_METRICS_SERVER_H_
#define UNDERSTUDY_COMMON_METRICS_METRICS_SERVER_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/metrics/scrape.h"

namespace understudy {

// Thread-safe. Nothing is counted for it that would not be counted without: a scrape looks at what there is.
class MetricsServer {
 public:
  using Collect = std::function<void(Scrape&)>;

  // nullptr where `listen` is empty: there are no metrics. Listens on [HOST:]PORT, the host 127.0.0.1 unless given;
  // port 0: any free one. `collect` is called for each scrape, on threads of the server's, and must be good until it is
  // destroyed; what all processes have is added. INVALID_ARGUMENT: not [HOST:]PORT. UNAVAILABLE: cannot listen there.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& listen, const std::string& process,
                                                              Collect collect);
  // Returns when no scrape is under way.
  ~MetricsServer();

  // HOST:PORT, the real port.
  const std::string& address() const { return address_; }

 private:
  class Impl;
  MetricsServer(std::unique_ptr<Impl> impl, std::string address);
  std::unique_ptr<Impl> impl_;
  std::string address_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_METRICS_METRICS_SERVER_H_
