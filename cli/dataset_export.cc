#include "cli/dataset_export.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/environment/spaces.h"
#include "common/process/text.h"
#include "common/trajectory/dataset_content.h"

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

absl::Status Count(const v1::TrajectoryBatch& batch, ExportCount& count) {
  for (const v1::Trajectory& trajectory : batch.trajectories()) {
    if (trajectory.episode() != count.episodes) {
      return absl::DataLossError(absl::StrCat("found episode ", trajectory.episode(), ", expected ", count.episodes));
    }
    ++count.episodes;
    count.transitions += trajectory.steps();
  }
  return absl::OkStatus();
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

absl::StatusOr<ExportCount> ExportDataset(Connection& connection, const std::string& name,
                                          const std::function<absl::Status(std::string_view)>& write) {
  v1::GetDatasetRequest get;
  get.set_name(name);
  const auto dataset = connection.Quick(&v1::Datasets::Stub::Get, connection.datasets(), get);
  if (!dataset.ok()) return dataset.status();
  const BatchExpectation expected = ExpectationOf(dataset->recipe());

  grpc::ClientContext context;  // cancels the stream where we return early
  v1::ReadDatasetRequest request;
  request.set_name(name);
  const auto reader = connection.datasets().Read(&context, request);
  ExportCount count;
  v1::TrajectoryBatch batch;
  std::string lines;
  const auto take = [&]() -> absl::Status {
    if (absl::Status status = ValidateBatch(batch, expected); !status.ok()) return status;
    if (absl::Status status = Count(batch, count); !status.ok()) return status;
    lines.clear();
    AppendStepLines(batch, expected.environment, lines);
    return write(lines);
  };
  while (reader->Read(&batch)) {
    if (absl::Status status = take(); !status.ok()) {
      context.TryCancel();
      return absl::Status(status.code(), absl::StrCat("dataset ", name, ": ", status.message()));
    }
  }
  if (absl::Status status = connection.Result(reader->Finish()); !status.ok()) return status;
  if (count.episodes != dataset->episodes() || count.transitions != dataset->transitions()) {
    return absl::DataLossError(absl::StrCat("dataset ", name, ": found ", CountText(count.episodes, "episode"),
                                            " with ", CountText(count.transitions, "transition"), ", expected ",
                                            CountText(dataset->episodes()), " with ",
                                            CountText(dataset->transitions())));
  }
  return count;
}

}  // namespace understudy
