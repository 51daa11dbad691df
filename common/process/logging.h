// Logs: how a program starts to log, and the fields that its lines carry beside the message.
#ifndef UNDERSTUDY_COMMON_PROCESS_LOGGING_H_
#define UNDERSTUDY_COMMON_PROCESS_LOGGING_H_

#include <cstdint>
#include <string>

namespace understudy {

struct LogOptions {
  std::string level = "info";   // debug, info, warning, error
  std::string format = "text";  // text or json, see InitLogging
};

// Makes spdlog log to stderr. Text lines have time, level, program and message. JSON lines are objects with time (RFC
// 3339, UTC), level, process, message, and those of the LogFields that are set; bytes that are not UTF-8 are replaced.
// For main functions only.
void InitLogging(const std::string& program, const LogOptions& options);

// Fields that let people search JSON logs for an experiment or a worker.
struct LogFields {
  std::string experiment = {};
  int64_t epoch = 0;  // 0: none
  std::string worker = {};
};

// Gives every line that this thread logs the fields, while the object lives. Fields that are empty here are taken from
// the scope around this one. Scopes are to be destroyed in the reverse order of their making.
class [[nodiscard]] LogScope {
 public:
  explicit LogScope(LogFields fields);
  ~LogScope();
  LogScope(const LogScope&) = delete;
  LogScope& operator=(const LogScope&) = delete;

 private:
  const LogScope* const outer_;
  LogFields fields_;
  friend LogFields CurrentLogFields();
};

// Names the worker that this process is. Lines carry it unless their scope names another. Thread-safe.
void SetLogWorker(const std::string& worker);

// The fields of the next line that this thread logs.
LogFields CurrentLogFields();

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_LOGGING_H_
