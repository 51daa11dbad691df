#include "common/process/process.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace understudy {
namespace {

// What the signal handler needs: there is one TerminationSignals at a time.
std::atomic<int> handler_event_fd = -1;
std::atomic<int> handler_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "signal handlers may not lock");

void Remember(int signal) {
  const int error = errno;
  handler_signal = signal;
  eventfd_write(handler_event_fd, 1);
  errno = error;
}

// Nothing but what a signal handler may do.
void Exit(int) {
  constexpr std::string_view kText = "not ended in time, exiting\n";
  if (write(STDERR_FILENO, kText.data(), kText.size()) < 0) _exit(EXIT_SUCCESS);
  _exit(EXIT_SUCCESS);
}

void Handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, nullptr);
}

// A process that cannot have even these has nothing to go on with.
int RequireDescriptor(int descriptor, const char* maker) {
  if (descriptor < 0) {
    std::perror(maker);
    std::exit(EXIT_FAILURE);
  }
  return descriptor;
}

// Makes /dev/null of the standard descriptors that are closed. The system gives the lowest number that is free. By bare
// system calls, as the C library and sanitizers need not be ready.
__attribute__((no_sanitize("address", "thread", "undefined"))) void OpenStandardDescriptors(int, char**, char**) {
  for (int fd = 0; fd <= 2; ++fd) {
    if (syscall(SYS_fcntl, fd, F_GETFD) >= 0) continue;
    syscall(SYS_openat, AT_FDCWD, "/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
  }
}

// Before the constructors of shared libraries: some of those open descriptors, long before main.
__attribute__((section(".preinit_array"),
               used)) void (*const open_standard_descriptors)(int, char**, char**) = OpenStandardDescriptors;

}  // namespace

void PrepareProcess(const std::string& program) {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) RequireDescriptor(fcntl(fd, F_GETFD), "/dev/null");
  std::signal(SIGXFSZ, SIG_IGN);
  if (const uint64_t limit = RaiseOpenFileLimit(); limit < kFewestOpenFiles) {
    std::fprintf(stderr, "%s: found a limit of %d open files, expected at least %d: raise it with ulimit -n\n",
                 program.c_str(), static_cast<int>(limit), kFewestOpenFiles);
    std::exit(EXIT_FAILURE);
  }
}

uint64_t RaiseOpenFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  rlimit raised = limit;
  raised.rlim_cur = raised.rlim_max;
  return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

void KeepFreedMemory() {
  mallopt(M_TRIM_THRESHOLD, 32 << 20);
  mallopt(M_MMAP_THRESHOLD, 8 << 20);
}

absl::Status FlushOutput(std::ostream& out) {
  if (out.good()) errno = 0;  // otherwise it says what has just gone wrong
  if (out.flush()) return absl::OkStatus();
  const absl::StatusCode code = errno == EPIPE ? absl::StatusCode::kAborted : absl::StatusCode::kDataLoss;
  const char* reason = errno == 0 ? "the stream is broken" : std::strerror(errno);
  return absl::Status(code, absl::StrCat("cannot write to standard output: ", reason));
}

// A handler, and not a mask with signalfd: the BLAS starts its threads before main does anything, and a signal that
// some thread does not block would end the process by way of that thread.
TerminationSignals::TerminationSignals() : event_fd_(RequireDescriptor(eventfd(0, EFD_CLOEXEC), "eventfd")) {
  handler_event_fd = event_fd_;
  handler_signal = 0;
  Handle(SIGINT, Remember);
  Handle(SIGTERM, Remember);
  Handle(SIGPIPE, SIG_IGN);
}

TerminationSignals::~TerminationSignals() {
  Handle(SIGINT, SIG_DFL);
  Handle(SIGTERM, SIG_DFL);
  close(event_fd_);
}

int TerminationSignals::Wait() {
  eventfd_t events = 0;
  while (eventfd_read(event_fd_, &events) != 0 && errno == EINTR) {
  }
  return handler_signal.exchange(0);
}

std::optional<int> TerminationSignals::WaitFor(absl::Duration timeout) {
  const absl::Time until = absl::Now() + timeout;
  pollfd event = {.fd = event_fd_, .events = POLLIN, .revents = 0};
  for (absl::Duration left = timeout; left > absl::ZeroDuration(); left = until - absl::Now()) {
    if (poll(&event, 1, static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1))))) == 1) {
      return Wait();
    }
  }
  return std::nullopt;
}

void TerminationSignals::Wake() { eventfd_write(event_fd_, 1); }

void ExitWithin(absl::Duration limit) {
  Handle(SIGALRM, Exit);
  itimerval timer = {};
  timer.it_value = absl::ToTimeval(limit);
  setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace understudy
