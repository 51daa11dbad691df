// Log lines as JSON.
#ifndef UNDERSTUDY_COMMON_PROCESS_JSON_FORMATTER_H_
#define UNDERSTUDY_COMMON_PROCESS_JSON_FORMATTER_H_

#include <spdlog/formatter.h>

#include <memory>

namespace understudy {

// One object a line: time (RFC 3339, UTC), level, process (the logger's name), message, and experiment, epoch, worker
// where the line's LogFields have them. What is no UTF-8 is replaced.
class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& destination) override;
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_PROCESS_JSON_FORMATTER_H_
