// What every program does at its start and end. For main functions only.
#ifndef UNDERSTUDY_COMMON_PROCESS_PROCESS_H_
#define UNDERSTUDY_COMMON_PROCESS_PROCESS_H_

#include <string>

namespace understudy {

inline constexpr char kVersion[] = "0.1.0";

// Logs to stderr: time, level, program, message. `level`: debug, info, warning, error.
void InitLogging(const std::string& program, const std::string& level);

// To be made first thing in main, before any thread: from then on SIGINT and SIGTERM do nothing but end Wait. SIGPIPE is
// ignored.
class TerminationSignals {
 public:
  TerminationSignals();
  // Blocks until one of them comes (returns its number) or Wake is called (returns 0).
  int Wait();
  // Ends Wait. Thread-safe.
  void Wake();

 private:
  int event_fd_;
  int signal_fd_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_PROCESS_H_
