#include "common/process/logging.h"

#include <spdlog/formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/time/time.h"
#include "common/process/mutex.h"

namespace understudy {
namespace {

thread_local const LogScope* innermost = nullptr;

struct ProcessFields {
  Mutex mutex;
  std::string worker ABSL_GUARDED_BY(mutex);
};

// Never destroyed: threads may still log at the process's end.
ProcessFields& Process() {
  static ProcessFields& fields = *new ProcessFields;
  return fields;
}

// One object a line.
class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& destination) override {
    const auto level = spdlog::level::to_string_view(line.level);
    nlohmann::ordered_json json = {
        {"time", absl::FormatTime(absl::RFC3339_full, absl::FromChrono(line.time), absl::UTCTimeZone())},
        {"level", std::string(level.data(), level.size())},
        {"process", std::string(line.logger_name.data(), line.logger_name.size())},
        {"message", std::string(line.payload.data(), line.payload.size())}};
    const LogFields fields = CurrentLogFields();
    if (!fields.experiment.empty()) json["experiment"] = fields.experiment;
    if (fields.epoch != 0) json["epoch"] = fields.epoch;
    if (!fields.worker.empty()) json["worker"] = fields.worker;
    const std::string text = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    destination.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

}  // namespace

void InitLogging(const std::string& program, const LogOptions& options) {
  auto logger = std::make_shared<spdlog::logger>(program, std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  if (options.format == "json") {
    logger->set_formatter(std::make_unique<JsonFormatter>());
  } else {
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %n: %v");
  }
  logger->set_level(spdlog::level::from_str(options.level));
  spdlog::set_default_logger(std::move(logger));
}

LogScope::LogScope(LogFields fields) : outer_(std::exchange(innermost, this)), fields_(std::move(fields)) {
  if (outer_ == nullptr) return;
  if (fields_.experiment.empty()) fields_.experiment = outer_->fields_.experiment;
  if (fields_.epoch == 0) fields_.epoch = outer_->fields_.epoch;
  if (fields_.worker.empty()) fields_.worker = outer_->fields_.worker;
}

LogScope::~LogScope() { innermost = outer_; }

void SetLogWorker(const std::string& worker) {
  ProcessFields& process = Process();
  MutexLock lock(process.mutex);
  process.worker = worker;
}

LogFields CurrentLogFields() {
  LogFields fields = innermost == nullptr ? LogFields() : innermost->fields_;
  if (!fields.worker.empty()) return fields;
  ProcessFields& process = Process();
  MutexLock lock(process.mutex);
  fields.worker = process.worker;
  return fields;
}

}  // namespace understudy
