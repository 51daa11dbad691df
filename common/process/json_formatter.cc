#include "common/process/json_formatter.h"

#include <nlohmann/json.hpp>
#include <string>

#include "absl/time/time.h"
#include "common/process/log_fields.h"

namespace understudy {

void JsonFormatter::format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& destination) {
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

}  // namespace understudy
