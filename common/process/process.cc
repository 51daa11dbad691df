#include "common/process/process.h"

#include <poll.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

namespace understudy {
namespace {

sigset_t TerminationSet() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

// A process that cannot have even these has nothing to go on with.
int RequireDescriptor(int descriptor, const char* maker) {
  if (descriptor < 0) {
    std::perror(maker);
    std::exit(EXIT_FAILURE);
  }
  return descriptor;
}

}  // namespace

void InitLogging(const std::string& program, const std::string& level) {
  auto logger = std::make_shared<spdlog::logger>(program, std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %n: %v");
  logger->set_level(spdlog::level::from_str(level));
  spdlog::set_default_logger(std::move(logger));
}

TerminationSignals::TerminationSignals() {
  const sigset_t signals = TerminationSet();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  event_fd_ = RequireDescriptor(eventfd(0, EFD_CLOEXEC), "eventfd");
  signal_fd_ = RequireDescriptor(signalfd(-1, &signals, SFD_CLOEXEC), "signalfd");
}

TerminationSignals::~TerminationSignals() {
  close(signal_fd_);
  close(event_fd_);
}

int TerminationSignals::Wait() {
  while (true) {
    std::array<pollfd, 2> waited = {pollfd{signal_fd_, POLLIN, 0}, pollfd{event_fd_, POLLIN, 0}};
    if (poll(waited.data(), waited.size(), -1) < 0 && errno != EINTR) return 0;
    signalfd_siginfo info;
    if (waited[0].revents != 0 && read(signal_fd_, &info, sizeof(info)) == sizeof(info)) {
      return static_cast<int>(info.ssi_signo);
    }
    uint64_t wakes = 0;
    if (waited[1].revents != 0 && read(event_fd_, &wakes, sizeof(wakes)) == sizeof(wakes)) return 0;
  }
}

void TerminationSignals::Wake() { eventfd_write(event_fd_, 1); }

}  // namespace understudy
