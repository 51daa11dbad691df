#include "cli/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

constexpr size_t kMaxReadBytes = 1 << 20;

struct Pipe {
  FileDescriptor read;
  FileDescriptor write;
};

absl::StatusOr<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return absl::ErrnoToStatus(errno, "cannot make a pipe");
  return Pipe{FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

struct Streams {
  int input;
  int output;
  int errors;
  int failure;  // takes errno where the program cannot be executed
};

// In the child, between fork and exec: only what is async-signal-safe.
[[noreturn]] void Execute(char* const* arguments, char* const* environment, pid_t parent, const Streams& streams) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it died before prctl
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (dup2(streams.input, STDIN_FILENO) >= 0 && dup2(streams.output, STDOUT_FILENO) >= 0 &&
      dup2(streams.errors, STDERR_FILENO) >= 0) {
    execve(arguments[0], arguments, environment);
  }
  const int error = errno;
  if (write(streams.failure, &error, sizeof(error)) != sizeof(error)) _exit(126);
  _exit(127);
}

std::vector<char*> MakeArguments(const std::string& program, const std::vector<std::string>& arguments) {
  std::vector<char*> pointers = {const_cast<char*>(program.c_str())};
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Without UNDERSTUDY_…: those are options of ours, and not of what we start.
std::vector<char*> MakeEnvironment() {
  std::vector<char*> pointers;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("UNDERSTUDY_")) pointers.push_back(*entry);
  }
  pointers.push_back(nullptr);
  return pointers;
}

int ReadFailure(int fd) {
  int error = 0;
  ssize_t size;
  do {
    size = read(fd, &error, sizeof(error));
  } while (size < 0 && errno == EINTR);
  return size == sizeof(error) ? error : 0;  // closed by a successful exec: nothing to read
}

int WaitFor(pid_t pid) {
  int wait_status = 0;
  while (waitpid(pid, &wait_status, 0) < 0 && errno == EINTR) {
  }
  return wait_status;
}

}  // namespace

std::vector<std::string> LineReader::Read() {
  std::vector<std::string> lines;
  const auto finish = [&] { lines.push_back(std::exchange(unfinished_, "")); };
  char buffer[4096];
  // More than a pipe holds, but not for ever: a child that writes without end must not keep us here.
  for (size_t left = kMaxReadBytes; fd_.valid() && left > 0; left -= sizeof(buffer)) {
    const ssize_t size = read(fd_.get(), buffer, sizeof(buffer));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) break;
    if (size <= 0) {
      fd_.Close();
      if (!unfinished_.empty()) finish();
      break;
    }
    for (const char byte : std::string_view(buffer, size)) {
      if (byte == '\n' || unfinished_.size() == kMaxLineBytes) finish();
      if (byte != '\n') unfinished_.push_back(byte);
    }
  }
  return lines;
}

absl::StatusOr<ChildProcess> ChildProcess::Start(const std::string& program,
                                                 const std::vector<std::string>& arguments) {
  absl::StatusOr<Pipe> output = MakePipe();
  if (!output.ok()) return output.status();
  absl::StatusOr<Pipe> errors = MakePipe();
  if (!errors.ok()) return errors.status();
  absl::StatusOr<Pipe> failure = MakePipe();
  if (!failure.ok()) return failure.status();
  const FileDescriptor input(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!input.valid()) return absl::ErrnoToStatus(errno, "cannot open /dev/null");

  const std::vector<char*> pointers = MakeArguments(program, arguments);
  const std::vector<char*> environment = MakeEnvironment();
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot start ", program));
  if (pid == 0) {
    Execute(pointers.data(), environment.data(), parent,
            {input.get(), output->write.get(), errors->write.get(), failure->write.get()});
  }
  failure->write.Close();
  if (const int error = ReadFailure(failure->read.get()); error != 0) {
    WaitFor(pid);
    return absl::ErrnoToStatus(error, absl::StrCat("cannot start ", program));
  }
  FileDescriptor exit(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  const int open_error = errno;
  const bool watched = exit.valid() && fcntl(output->read.get(), F_SETFL, O_NONBLOCK) == 0 &&
                       fcntl(errors->read.get(), F_SETFL, O_NONBLOCK) == 0;
  ChildProcess child(pid, std::move(exit), std::move(output->read), std::move(errors->read));
  if (!watched) return absl::ErrnoToStatus(open_error, absl::StrCat("cannot watch ", program));
  return child;
}

ChildProcess::ChildProcess(pid_t pid, FileDescriptor exit, FileDescriptor output, FileDescriptor errors)
    : pid_(pid), exit_(std::move(exit)), output_(std::move(output)), errors_(std::move(errors)) {}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      exit_(std::move(other.exit_)),
      output_(std::move(other.output_)),
      errors_(std::move(other.errors_)),
      wait_status_(other.wait_status_) {}

ChildProcess::~ChildProcess() {
  if (pid_ < 0 || wait_status_.has_value()) return;
  kill(pid_, SIGKILL);
  WaitFor(pid_);
}

void ChildProcess::Signal(int number) {
  if (!wait_status_.has_value()) kill(pid_, number);  // until it is reaped, the number is its own
}

std::optional<int> ChildProcess::Reap() {
  int wait_status = 0;
  if (!wait_status_.has_value() && waitpid(pid_, &wait_status, WNOHANG) == pid_) {
    wait_status_ = wait_status;
    exit_.Close();
  }
  return wait_status_;
}

std::string DescribeWaitStatus(int wait_status) {
  if (WIFEXITED(wait_status)) return absl::StrCat("exit status ", WEXITSTATUS(wait_status));
  const int number = WTERMSIG(wait_status);
  const char* name = sigabbrev_np(number);
  if (name == nullptr) return absl::StrCat("killed by signal ", number);
  return absl::StrCat("killed by SIG", name, " (", sigdescr_np(number), ")");
}

}  // namespace understudy
