// A small HTTP server for one page of text.
#ifndef UNDERSTUDY_COMMON_METRICS_TEXT_SERVER_H_
#define UNDERSTUDY_COMMON_METRICS_TEXT_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/process/file_descriptor.h"

namespace understudy {

// Answers GET and HEAD of one path with a text that is made anew for each request, and closes the connection. It stands
// here because the server that comes with prometheus-cpp, civetweb, is built without IPv6 in Debian.
//
// One thread does everything; strangers cannot hold it up. At most kMostConnections are open at a time, later ones wait
// in the kernel. A request is at most kLargestRequest bytes, and a connection that has not got its answer in
// kConnectionTime is closed. Thread-safe.
class TextServer {
 public:
  static constexpr size_t kMostConnections = 16;
  static constexpr size_t kLargestRequest = 8192;
  static constexpr absl::Duration kConnectionTime = absl::Seconds(10);

  struct Options {
    std::string ip;  // numeric, IPv4 or IPv6; :: listens on all addresses of both
    int port = 0;    // 0: any free one
    std::string path;
    std::string content_type;
    std::function<std::string()> text;  // called on the server's thread, until the server is destroyed
  };

  // UNAVAILABLE: cannot listen there, with the system's reason.
  static absl::StatusOr<std::unique_ptr<TextServer>> Start(Options options);
  // Returns when no text is being made any more.
  ~TextServer();

  // The real port.
  int port() const { return port_; }

 private:
  struct Connection {
    FileDescriptor fd;
    absl::Time deadline;
    std::string request;  // as far as it has come
    std::string answer;   // what is left to send; empty: the request is not complete
  };

  TextServer(Options options, FileDescriptor listener, FileDescriptor stop, int port);
  void Serve();
  void Accept();
  // What can be done without blocking. False: the connection is to be closed.
  bool Advance(Connection& connection);
  std::string Answer(const std::string& request) const;

  const Options options_;
  const FileDescriptor listener_;
  const FileDescriptor stop_;  // an eventfd
  const int port_;
  absl::Time accept_after_ = absl::InfinitePast();  // while the process has no descriptor left
  std::vector<Connection> connections_;
  std::thread thread_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_METRICS_TEXT_SERVER_H_
