#include "common/metrics/metrics_server.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <prometheus/text_serializer.h>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/process/process.h"
#include "common/rpc/address.h"

namespace understudy {
namespace {

constexpr std::string_view kPath = "/metrics";
constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";
constexpr absl::Duration kDescriptorPatience = absl::Milliseconds(100);

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

absl::Status CannotListen() { return absl::UnavailableError(std::strerror(errno)); }

absl::StatusOr<FileDescriptor> Listen(const std::string& ip, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(ip.c_str(), absl::StrCat(port).c_str(), &hints, &found); error != 0) {
    return absl::UnavailableError(gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, freeaddrinfo);
  FileDescriptor fd(socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return CannotListen();
  const int yes = 1, no = 0;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  if (found->ai_family == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
  if (bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 || listen(fd.get(), SOMAXCONN) != 0) return CannotListen();
  return fd;
}

int PortOf(const FileDescriptor& fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

std::string Response(std::string_view status, std::string_view content_type, const std::string& body, bool head) {
  return absl::StrCat("HTTP/1.1 ", std::string(status), "\r\nContent-Type: ", std::string(content_type),
                      "\r\nContent-Length: ", body.size(), "\r\nConnection: close\r\n\r\n", head ? "" : body);
}

std::string Refusal(const std::string& status, bool head = false) {
  return Response(status, "text/plain; charset=utf-8", status + "\n", head);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& listen,
                                                                    const std::string& process, Collect collect) {
  if (listen.empty()) return nullptr;
  const auto address = ParseAddress(absl::StrContains(listen, ':') ? listen : absl::StrCat("127.0.0.1:", listen));
  if (!address.ok()) return absl::InvalidArgumentError(absl::StrCat("metrics: ", address.status().message()));
  const auto host = ResolveHost(address->host);
  if (!host.ok()) return host.status();
  absl::StatusOr<FileDescriptor> listener = Listen(host->ip, address->port);
  FileDescriptor stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  const int port = listener.ok() ? PortOf(*listener) : 0;
  if (listener.ok() && (port == 0 || !stop.valid())) listener = CannotListen();
  if (!listener.ok()) {
    return absl::UnavailableError(
        absl::StrCat("metrics: cannot listen on ", listen, ": ", listener.status().message()));
  }
  const std::string real = FormatAddress(address->host, port);
  spdlog::info("metrics at http://{}{}", real, kPath);
  auto text = [process, collect = std::move(collect)] { return Text(process, collect); };
  return std::unique_ptr<MetricsServer>(
      new MetricsServer(real, std::move(text), *std::move(listener), std::move(stop)));
}

MetricsServer::MetricsServer(std::string address, std::function<std::string()> text, FileDescriptor listener,
                             FileDescriptor stop)
    : address_(std::move(address)), text_(std::move(text)), listener_(std::move(listener)), stop_(std::move(stop)) {
  thread_ = std::thread([this] { Serve(); });
  pthread_setname_np(thread_.native_handle(), "metrics");
}

MetricsServer::~MetricsServer() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

void MetricsServer::Serve() {
  while (true) {
    const absl::Time now = absl::Now();
    const bool accepts = connections_.size() < kMostConnections && now >= accept_after_;
    std::vector<pollfd> fds = {{stop_.get(), POLLIN, 0}, {accepts ? listener_.get() : -1, POLLIN, 0}};
    absl::Time wake = accept_after_ > now ? accept_after_ : absl::InfiniteFuture();
    for (const Connection& connection : connections_) {
      const bool sends = !connection.answer.empty();
      fds.push_back({connection.fd.get(), static_cast<short>(sends ? POLLOUT : POLLIN), 0});
      wake = std::min(wake, connection.deadline);
    }
    const absl::Duration left = absl::Ceil(wake - now, absl::Milliseconds(1));
    const int timeout = wake == absl::InfiniteFuture() ? -1 : static_cast<int>(absl::ToInt64Milliseconds(left));
    if (poll(fds.data(), fds.size(), timeout) < 0 && errno != EINTR) return;
    if (fds[0].revents != 0) return;
    std::vector<Connection> kept;
    for (size_t i = 0; i < connections_.size(); ++i) {
      const bool open = fds[i + 2].revents == 0 || Advance(connections_[i]);
      if (open && absl::Now() < connections_[i].deadline) kept.push_back(std::move(connections_[i]));
    }
    connections_ = std::move(kept);
    if (fds[1].revents != 0) Accept();
  }
}

void MetricsServer::Accept() {
  FileDescriptor fd(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.valid()) {
    connections_.push_back(
        {.fd = std::move(fd), .deadline = absl::Now() + kConnectionTime, .request = {}, .answer = {}});
  } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
    accept_after_ = absl::Now() + kDescriptorPatience;  // the listener stays readable
  }
}

bool MetricsServer::Advance(Connection& connection) {
  if (connection.answer.empty()) {
    char bytes[kLargestRequest];
    const ssize_t size = recv(connection.fd.get(), bytes, sizeof(bytes), 0);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    if (size == 0) return false;
    connection.request.append(bytes, static_cast<size_t>(size));
    const bool complete = connection.request.find("\r\n\r\n") != std::string::npos;
    if (!complete && connection.request.size() < kLargestRequest) return true;
    connection.answer = complete ? Answer(connection.request) : Refusal("431 Request Header Fields Too Large");
  }
  const ssize_t sent = send(connection.fd.get(), connection.answer.data(), connection.answer.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR;
  connection.answer.erase(0, static_cast<size_t>(sent));
  return !connection.answer.empty();
}

std::string MetricsServer::Answer(const std::string& request) const {
  const std::string_view line = std::string_view(request).substr(0, request.find("\r\n"));
  const size_t first = line.find(' '), last = line.rfind(' ');
  if (first == last || !line.substr(last + 1).starts_with("HTTP/1.")) return Refusal("400 Bad Request");
  const std::string_view method = line.substr(0, first), target = line.substr(first + 1, last - first - 1);
  const bool head = method == "HEAD";
  if (!head && method != "GET") return Refusal("405 Method Not Allowed");
  if (target.substr(0, target.find('?')) != kPath) return Refusal("404 Not Found", head);
  return Response("200 OK", kContentType, text_(), head);
}

}  // namespace understudy
