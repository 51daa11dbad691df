// Does what every program needs at its start and its end. For main functions only.
#ifndef UNDERSTUDY_COMMON_PROCESS_PROCESS_H_
#define UNDERSTUDY_COMMON_PROCESS_PROCESS_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace understudy {

inline constexpr char kVersion[] = "0.1.0";

// Sets up what the rest of a program takes for granted. Call it first thing in main.
//
// Standard descriptors: if file descriptor 0, 1 or 2 was closed when the program was started, it becomes /dev/null.
// Otherwise the next file that is opened, a database perhaps, would get its number, and log lines would be written into
// that file. (This happens before main, in every program that is linked with this function, because libraries open
// descriptors before main, too.)
//
// File sizes: writing to a file beyond the limit of its size (ulimit -f) fails with EFBIG. By default SIGXFSZ would end
// the process.
//
// Open files: the limit (ulimit -n) is raised as far as the process may. If it is still below kFewestOpenFiles, the
// process says so on stderr and exits with status 1, because gRPC aborts when it cannot open what it needs.
void PrepareProcess(const std::string& program);

inline constexpr int kFewestOpenFiles = 64;

// Raises the soft limit of open files to the hard one, and returns the limit as it is then. The usual soft limit of
// 1,024 is what a thousand idle connections use up. Child processes inherit the limit.
uint64_t RaiseOpenFileLimit();

// Makes the C library keep freed memory, up to 32 MiB at the end of each thread's heap. Programs that send and receive
// messages of a megabyte all the time would otherwise take pages from the kernel, and give them back, for each of them.
// Pieces of 8 MiB and more still come from the kernel and go back there.
void KeepFreedMemory();

// Writes out what `out`, which is standard output, still holds.
// DATA_LOSS: not all that was written to it has arrived. ABORTED: it is a pipe that nobody reads any more.
absl::Status FlushOutput(std::ostream& out);

// Takes over the signals that end a process. While this object lives, SIGINT and SIGTERM do nothing but end Wait.
// SIGPIPE is ignored from then on. Child processes that exec have the default actions of SIGINT and SIGTERM again.
// Make it first thing in main after PrepareProcess, and only one at a time. Its constructor exits the process if the
// operating system has no descriptor for it.
class TerminationSignals {
 public:
  TerminationSignals();
  ~TerminationSignals();
  TerminationSignals(const TerminationSignals&) = delete;
  TerminationSignals& operator=(const TerminationSignals&) = delete;

  // Blocks until a signal comes, and returns its number; or until Wake is called, and returns 0. A signal or a Wake
  // that came before the call counts.
  int Wait();
  // Waits as Wait does, but returns nullopt once `timeout` has passed.
  std::optional<int> WaitFor(absl::Duration timeout);
  // Ends Wait. Thread-safe.
  void Wake();

 private:
  int event_fd_;
};

// Limits the time of an orderly end, which may hang. After `limit` the process says so on stderr and exits with status
// 0, whatever it is doing then. Only the latest call counts.
void ExitWithin(absl::Duration limit);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_PROCESS_H_
