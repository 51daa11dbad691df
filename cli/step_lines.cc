#include "cli/step_lines.h"

#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/environment/spaces.h"

namespace understudy {
namespace {

void AppendFloat(float number, std::string& out) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), number);
  const std::string_view digits(text, end - text);
  out.append(digits);
  // JSON readers tell integers from floating-point numbers by this.
  if (digits.find_first_of(".e") == std::string_view::npos) out.append(".0");
}

void AppendInteger(int64_t number, std::string& out) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), number);
  out.append(text, end - text);
}

void AppendFloats(std::span<const float> numbers, std::string& out) {
  out.push_back('[');
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) out.push_back(',');
    AppendFloat(numbers[i], out);
  }
  out.push_back(']');
}

template <typename Number>
Number Load(std::span<const std::byte> bytes) {
  Number number;
  std::memcpy(&number, bytes.data(), sizeof(number));
  return number;
}

// What all steps of a batch have in common.
struct Layout {
  size_t observation_size;
  size_t action_bytes;
  bool discrete;
  std::string tail;  // the stamp, the end of the line
};

void AppendAction(std::span<const std::byte> action, bool discrete, std::string& out) {
  if (discrete) {
    AppendInteger(Load<int32_t>(action), out);
    return;
  }
  std::vector<float> numbers(action.size() / sizeof(float));
  std::memcpy(numbers.data(), action.data(), action.size());
  AppendFloats(numbers, out);
}

void AppendFlag(std::string_view name, bool value, std::string& out) {
  out.append(name);
  out.append(value ? "true" : "false");
}

void AppendTrajectoryLines(const TrajectoryView& view, const Layout& layout, std::string& out) {
  const auto steps = static_cast<size_t>(view.trajectory->steps());
  const size_t logits = view.logits.size() / std::max<size_t>(1, steps);
  const auto format = [&](size_t i, std::string& text) {
    text.clear();
    AppendFloats(view.observations.subspan(i * layout.observation_size, layout.observation_size), text);
  };
  std::string observation, next;
  format(0, observation);
  for (size_t t = 0; t < steps; ++t) {
    format(t + 1, next);
    const bool last = t + 1 == steps;
    out.append("{\"episode\":");
    AppendInteger(view.trajectory->episode(), out);
    out.append(",\"step\":");
    AppendInteger(view.trajectory->first_step() + static_cast<int64_t>(t), out);
    out.append(",\"observation\":").append(observation).append(",\"action\":");
    AppendAction(view.actions.subspan(t * layout.action_bytes, layout.action_bytes), layout.discrete, out);
    out.append(",\"reward\":");
    AppendFloat(view.rewards[t], out);
    AppendFlag(",\"terminated\":", last && view.trajectory->terminated(), out);
    AppendFlag(",\"truncated\":", last && view.trajectory->truncated(), out);
    out.append(",\"next_observation\":").append(next).append(",\"log_prob\":");
    AppendFloat(view.log_probs[t], out);
    if (logits > 0) {
      out.append(",\"logits\":");
      AppendFloats(view.logits.subspan(t * logits, logits), out);
    }
    if (!view.values.empty()) {
      out.append(",\"value\":");
      AppendFloat(view.values[t], out);
    }
    out.append(layout.tail);
    observation.swap(next);
  }
}

}  // namespace

void AppendStepLines(const v1::TrajectoryBatch& batch, const v1::EnvironmentSpec& environment, std::string& out) {
  const Layout layout = {.observation_size = static_cast<size_t>(SpaceSize(environment.observation_space())),
                         .action_bytes = static_cast<size_t>(ActionBytes(environment)),
                         .discrete = environment.action_space().has_discrete(),
                         .tail = absl::StrCat(",\"policy\":", nlohmann::json(batch.policy()).dump(),
                                              ",\"policy_version\":", batch.policy_version(), "}\n")};
  for (const TrajectoryView& view : ViewTrajectories(batch, environment)) AppendTrajectoryLines(view, layout, out);
}

}  // namespace understudy
