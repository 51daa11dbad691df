// A child process that cannot outlive its parent.
#ifndef UNDERSTUDY_CLI_CHILD_PROCESS_H_
#define UNDERSTUDY_CLI_CHILD_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/process/file_descriptor.h"

namespace understudy {

// The kernel kills it as soon as the thread that started it ends, however that happens. It is alone in its process
// group, so that Ctrl-C reaches it only through us. Thread-compatible.
class ChildProcess {
 public:
  // Executes `program`, a path, with standard input empty, no signal blocked, and output and errors readable here. An
  // error names the program and says why it could not be executed.
  static absl::StatusOr<ChildProcess> Start(const std::string& program, const std::vector<std::string>& arguments);

  ChildProcess(ChildProcess&& other) noexcept;
  // Kills it where it still runs, and reaps it.
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  // Readable once it has ended.
  int exit_fd() const { return exit_.get(); }
  // Non-blocking.
  int output_fd() const { return output_.get(); }
  int errors_fd() const { return errors_.get(); }

  void Signal(int number);

  // Its wait status, once it has ended; does not block.
  std::optional<int> Reap();

 private:
  ChildProcess(pid_t pid, FileDescriptor exit, FileDescriptor output, FileDescriptor errors);

  pid_t pid_;
  FileDescriptor exit_;  // a pidfd; closed once reaped
  FileDescriptor output_;
  FileDescriptor errors_;
  std::optional<int> wait_status_;
};

// "exit status 1", "killed by SIGKILL (Killed)"
std::string DescribeWaitStatus(int wait_status);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_CHILD_PROCESS_H_
