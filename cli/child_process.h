// A child process that cannot outlive its parent, and the lines that it writes.
#ifndef UNDERSTUDY_CLI_CHILD_PROCESS_H_
#define UNDERSTUDY_CLI_CHILD_PROCESS_H_

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/process/file_descriptor.h"

namespace understudy {

// Reads lines from a non-blocking file descriptor. Thread-compatible.
class LineReader {
 public:
  // Longer lines come in pieces of this size.
  static constexpr size_t kMaxLineBytes = 16 << 10;

  explicit LineReader(FileDescriptor fd) : fd_(std::move(fd)) {}

  // Returns the lines, without their ends, that can be read without waiting. At the end of the stream an unfinished
  // line counts as a line, and the descriptor is closed.
  std::vector<std::string> Read();

  // Returns the descriptor to poll for reading; -1 once the stream has ended.
  int fd() const { return fd_.get(); }

 private:
  FileDescriptor fd_;
  std::string unfinished_;
};

// A child process and its output. The kernel kills the child as soon as the thread that started it ends, however that
// happens. The child is alone in its process group, so that the terminal's signals (Ctrl-C, Ctrl-Z) reach it only
// through its parent. Thread-compatible.
class ChildProcess {
 public:
  // Executes `program`, a path. The child's standard input is empty, none of its signals is blocked, and its output and
  // errors can be read here.
  // Errors: name the program and say why it could not be executed.
  static absl::StatusOr<ChildProcess> Start(const std::string& program, const std::vector<std::string>& arguments);

  ChildProcess(ChildProcess&& other) noexcept;
  // Kills and reaps a child that still runs.
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  // Returns a descriptor that is readable once the child has ended.
  int exit_fd() const { return exit_.get(); }
  LineReader& output() { return output_; }
  LineReader& errors() { return errors_; }

  // Sends a signal to the child, unless it has been reaped.
  void Signal(int number);

  // Returns the child's wait status once it has ended; does not block.
  std::optional<int> Reap();

 private:
  ChildProcess(pid_t pid, FileDescriptor exit, FileDescriptor output, FileDescriptor errors);

  pid_t pid_;
  FileDescriptor exit_;  // a pidfd; closed once reaped
  LineReader output_;
  LineReader errors_;
  std::optional<int> wait_status_;
};

// Describes how a child ended: "exit status 1", "killed by SIGKILL (Killed)".
std::string DescribeWaitStatus(int wait_status);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_CHILD_PROCESS_H_
