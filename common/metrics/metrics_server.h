// Serves a process's metrics to Prometheus, as text at http://HOST:PORT/metrics. The HTTP server is ours because the
// one that comes with prometheus-cpp, civetweb, is built without IPv6 in Debian.
#ifndef UNDERSTUDY_COMMON_METRICS_METRICS_SERVER_H_
#define UNDERSTUDY_COMMON_METRICS_METRICS_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/metrics/scrape.h"
#include "common/process/file_descriptor.h"

namespace understudy {

// Puts the text together when a scrape asks for it, from what the process counts anyway. One thread does everything,
// and strangers cannot hold it up: at most kMostConnections are open at a time (later ones wait in the kernel), a
// request is at most kLargestRequest bytes, and a connection that has not got its answer in kConnectionTime is closed.
// Thread-safe.
class MetricsServer {
 public:
  using Collect = std::function<void(Scrape&)>;

  static constexpr size_t kMostConnections = 16;
  static constexpr size_t kLargestRequest = 8192;
  static constexpr absl::Duration kConnectionTime = absl::Seconds(10);

  // Starts a server on `listen`, which is [HOST:]PORT. The host is 127.0.0.1 unless given; an IPv6 address stands in
  // brackets; port 0 takes any free one. Returns nullptr if `listen` is empty: there are no metrics then. The server
  // calls `collect` for each scrape, on its own thread, until it is destroyed. It adds the metrics that all processes
  // have. INVALID_ARGUMENT: `listen` is not [HOST:]PORT. UNAVAILABLE: it is not possible to listen there.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& listen, const std::string& process,
                                                              Collect collect);
  // Returns when no text is being made any more.
  ~MetricsServer();

  // The address as HOST:PORT, with the real port.
  const std::string& address() const { return address_; }

 private:
  struct Connection {
    FileDescriptor fd;
    absl::Time deadline;
    std::string request;  // as far as it has come
    std::string answer;   // what is left to send; empty: the request is not complete
  };

  MetricsServer(std::string address, std::function<std::string()> text, FileDescriptor listener, FileDescriptor stop);
  void Serve();
  void Accept();
  // What can be done without blocking. False: the connection is to be closed.
  bool Advance(Connection& connection);
  std::string Answer(const std::string& request) const;

  const std::string address_;
  const std::function<std::string()> text_;  // called on the server's thread
  const FileDescriptor listener_;
  const FileDescriptor stop_;                       // an eventfd
  absl::Time accept_after_ = absl::InfinitePast();  // while the process has no descriptor left
  std::vector<Connection> connections_;
  std::thread thread_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_METRICS_METRICS_SERVER_H_
