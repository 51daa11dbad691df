// What every program does at its start and end. For main functions only.
#ifndef UNDERSTUDY_COMMON_PROCESS_PROCESS_H_
#define UNDERSTUDY_COMMON_PROCESS_PROCESS_H_

#include <optional>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace understudy {

inline constexpr char kVersion[] = "0.1.0";

struct LogOptions {
  std::string level = "info";   // debug, info, warning, error
  std::string format = "text";  // text: time, level, program, message; json: see JsonFormatter
};

// Makes sure of what the rest of a program takes for granted. Call it first thing in main.
//
// A file descriptor 0, 1 or 2 that was closed when the program was started becomes /dev/null. Otherwise the next file
// that is opened, a database perhaps, would get its number, and log lines would be written into that file.
//
// Writing to a file beyond the limit of its size (ulimit -f) fails with EFBIG; by default SIGXFSZ would end the
// process.
//
// The limit of open files (ulimit -n) is raised as far as the process may. Below kFewestOpenFiles, the process says so
// on stderr and exits with status 1, because gRPC aborts where it cannot open what it needs.
void PrepareProcess(const std::string& program);

inline constexpr int kFewestOpenFiles = 64;

// Writes out what `out`, which is standard output, still holds. DATA_LOSS: not all that was written to it has arrived.
absl::Status FlushOutput(std::ostream& out);

// Logs to stderr.
void InitLogging(const std::string& program, const LogOptions& options);

// To be made first thing in main, one at a time: from then on SIGINT and SIGTERM do nothing but end Wait, and SIGPIPE
// is ignored. Child processes that exec have the default actions again. Exits the process where the operating system
// has no descriptor for it.
class TerminationSignals {
 public:
  TerminationSignals();
  ~TerminationSignals();
  TerminationSignals(const TerminationSignals&) = delete;
  TerminationSignals& operator=(const TerminationSignals&) = delete;

  // Blocks until one of them comes (returns its number) or Wake is called, before or meanwhile (returns 0).
  int Wait();
  // The same, but returns nullopt once `timeout` has passed.
  std::optional<int> WaitFor(absl::Duration timeout);
  // Ends Wait. Thread-safe.
  void Wake();

 private:
  int event_fd_;
};

// After so long the process exits with status 0, saying so on stderr, whatever it is doing then: for an orderly end
// that may hang. The latest call counts.
void ExitWithin(absl::Duration limit);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_PROCESS_H_
