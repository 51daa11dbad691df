// What a log line is about, besides what it says: for those who search logs by fields (--log_format json).
#ifndef UNDERSTUDY_COMMON_PROCESS_LOG_FIELDS_H_
#define UNDERSTUDY_COMMON_PROCESS_LOG_FIELDS_H_

#include <cstdint>
#include <string>

namespace understudy {

struct LogFields {
  std::string experiment = {};
  int64_t epoch = 0;  // 0: none
  std::string worker = {};
};

// While it lives, all that its thread logs has these fields; what is empty here is taken from the scope around it. To
// be destroyed in the reverse order of making.
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

// The worker that this process is: in every line whose scope names no other. Thread-safe.
void SetLogWorker(const std::string& worker);

// Those of the calling thread's next line.
LogFields CurrentLogFields();

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_LOG_FIELDS_H_
