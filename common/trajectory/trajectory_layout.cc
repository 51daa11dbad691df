#include "common/trajectory/trajectory_layout.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/environment/spaces.h"
#include "common/trajectory/finite.h"

namespace understudy {
namespace {

static_assert(std::endian::native == std::endian::little, "columns are little-endian and read in place");

template <typename T>
std::span<const T> Numbers(const std::string& column) {
  return {reinterpret_cast<const T*>(column.data()), column.size() / sizeof(T)};
}

// Takes the next parts off a column, front to back.
template <typename T>
class ColumnReader {
 public:
  explicit ColumnReader(const std::string& column) : rest_(Numbers<T>(column)) {}

  // A column that was not recorded is empty, and so are its parts.
  std::span<const T> Take(int64_t count) {
    if (rest_.empty()) return {};
    const std::span<const T> part = rest_.first(static_cast<size_t>(count));
    rest_ = rest_.subspan(part.size());
    return part;
  }

 private:
  std::span<const T> rest_;
};

template <typename T>
void AppendBytes(std::span<const T> numbers, std::string& column) {
  column.append(reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes());
}

// A log-probability is at most 0, but for rounding.
constexpr float kMaxLogProb = 1e-5f;

template <typename Found, typename Expected>
absl::Status Mismatch(const std::string& where, const Found& found, const Expected& expected) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": found ", found, ", expected ", expected));
}

// Text from outside, fit for a one-line message.
std::string Printable(const std::string& text) {
  constexpr size_t kMaxLength = 64;
  return absl::StrCat("\"", absl::CHexEscape(text.substr(0, kMaxLength)), "\"", text.size() > kMaxLength ? "…" : "");
}

absl::Status CheckStamps(const v1::TrajectoryBatch& batch, const BatchExpectation& expected) {
  if (batch.environment() != expected.environment.name()) {
    return Mismatch("batch environment", Printable(batch.environment()), Printable(expected.environment.name()));
  }
  if (batch.policy() != expected.policy) {
    return Mismatch("batch policy", Printable(batch.policy()), Printable(expected.policy));
  }
  if (batch.policy_version() != expected.policy_version) {
    return Mismatch("batch policy_version", batch.policy_version(), expected.policy_version);
  }
  if (batch.action_mode() != expected.action_mode) {
    return Mismatch("batch action_mode", static_cast<int>(batch.action_mode()), static_cast<int>(expected.action_mode));
  }
  return absl::OkStatus();
}

absl::Status CheckTrajectory(const v1::Trajectory& trajectory, int index, int64_t max_episode_steps) {
  const auto mismatch = [index](const char* field, const auto& found, const auto& wanted) {
    return Mismatch(absl::StrCat("trajectory ", index, " ", field), found, wanted);
  };
  if (trajectory.slot() < 0) return mismatch("slot", trajectory.slot(), "at least 0");
  if (trajectory.episode() < 0) return mismatch("episode", trajectory.episode(), "at least 0");
  if (trajectory.steps() < 1 || trajectory.steps() > max_episode_steps) {
    return mismatch("steps", trajectory.steps(), absl::StrCat("1 to ", max_episode_steps));
  }
  const int64_t last_first_step = max_episode_steps - trajectory.steps();
  if (trajectory.first_step() < 0 || trajectory.first_step() > last_first_step) {
    return mismatch("first_step", trajectory.first_step(), absl::StrCat("0 to ", last_first_step));
  }
  if (trajectory.truncated() != (trajectory.first_step() == last_first_step)) {
    return mismatch("truncated", trajectory.truncated() ? "true" : "false",
                    absl::StrCat("true after ", max_episode_steps, " steps and false before"));
  }
  return absl::OkStatus();
}

// Checks all trajectories, and returns the sum of their steps, which is at most kMaxBatchBytes.
absl::StatusOr<int64_t> CheckTrajectories(const v1::TrajectoryBatch& batch, int64_t max_episode_steps) {
  const int count = batch.trajectories_size();
  if (count < 1 || count > kMaxTrajectoriesPerBatch) {
    return Mismatch("batch trajectories", count, absl::StrCat("1 to ", kMaxTrajectoriesPerBatch));
  }
  int64_t steps = 0;
  for (int i = 0; i < count; ++i) {
    const v1::Trajectory& trajectory = batch.trajectories(i);
    if (absl::Status status = CheckTrajectory(trajectory, i, max_episode_steps); !status.ok()) return status;
    if (trajectory.steps() > kMaxBatchBytes - steps) {
      return Mismatch("batch steps", absl::StrCat("more than ", kMaxBatchBytes), "columns that hold them");
    }
    steps += trajectory.steps();
  }
  return steps;
}

// Scans a column without a branch for each element, so that vector instructions can be used. Scans it again only to say
// which element is wrong.
template <typename T, typename IsBad>
absl::Status CheckElements(const char* column, std::span<const T> elements, IsBad is_bad, const std::string& wanted) {
  uint32_t any_bad = 0;
  for (const T element : elements) any_bad |= static_cast<uint32_t>(is_bad(element));
  if (any_bad == 0) return absl::OkStatus();
  const auto bad = std::find_if(elements.begin(), elements.end(), is_bad);
  return Mismatch(absl::StrCat("column ", column, " element ", bad - elements.begin()), *bad, wanted);
}

absl::Status CheckFinite(const char* column, std::span<const float> values) {
  const std::optional<size_t> bad = FindNotFinite(values);
  if (!bad.has_value()) return absl::OkStatus();
  return Mismatch(absl::StrCat("column ", column, " element ", *bad), values[*bad], "a finite number");
}

// Returns the column's bytes as `count` numbers, without copying them.
template <typename T>
absl::StatusOr<std::span<const T>> ReadColumn(const char* column, const std::string& bytes, int64_t count) {
  const int64_t expected = count * static_cast<int64_t>(sizeof(T));
  if (static_cast<int64_t>(bytes.size()) != expected) {
    return Mismatch(absl::StrCat("column ", column), absl::StrCat(bytes.size(), " bytes"), expected);
  }
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(T) != 0) {
    return Mismatch(absl::StrCat("column ", column), "unaligned memory", absl::StrCat("alignment to ", alignof(T)));
  }
  return std::span<const T>(reinterpret_cast<const T*>(bytes.data()), static_cast<size_t>(count));
}

absl::Status CheckFloatColumn(const char* column, const std::string& bytes, int64_t count) {
  const auto values = ReadColumn<float>(column, bytes, count);
  return values.ok() ? CheckFinite(column, *values) : values.status();
}

absl::Status CheckDiscreteActions(const std::string& bytes, int64_t steps, int32_t n) {
  const auto actions = ReadColumn<int32_t>("actions", bytes, steps);
  if (!actions.ok()) return actions.status();
  // As unsigned numbers, negative ones are too large.
  const auto outside = [limit = static_cast<uint32_t>(n)](int32_t action) {
    return static_cast<uint32_t>(action) >= limit;
  };
  return CheckElements("actions", *actions, outside, absl::StrCat("0 to ", n - 1));
}

absl::Status CheckBoxActions(const std::string& bytes, int64_t steps, const v1::Space& space) {
  const int64_t size = SpaceSize(space);
  const auto actions = ReadColumn<float>("actions", bytes, steps * size);
  if (!actions.ok()) return actions.status();
  if (absl::Status status = CheckFinite("actions", *actions); !status.ok()) return status;
  if (space.box().low().empty()) return absl::OkStatus();
  for (size_t i = 0; i < actions->size(); ++i) {
    const float low = space.box().low(static_cast<int>(i % size));
    const float high = space.box().high(static_cast<int>(i % size));
    const float action = (*actions)[i];
    if (action < low || action > high) {
      return Mismatch(absl::StrCat("column actions element ", i), action, absl::StrCat(low, " to ", high));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckActions(const std::string& bytes, int64_t steps, const v1::Space& space) {
  return space.has_discrete() ? CheckDiscreteActions(bytes, steps, space.discrete().n())
                              : CheckBoxActions(bytes, steps, space);
}

absl::Status CheckLogProbs(const std::string& bytes, int64_t steps) {
  const auto log_probs = ReadColumn<float>("log_probs", bytes, steps);
  if (!log_probs.ok()) return log_probs.status();
  const auto is_bad = [](float value) { return IsNotFinite(value) | (value > kMaxLogProb); };
  return CheckElements("log_probs", *log_probs, is_bad, "a finite number of at most 0");
}

int64_t ColumnBytes(const v1::TrajectoryBatch& batch) {
  return static_cast<int64_t>(batch.observations().size() + batch.actions().size() + batch.rewards().size() +
                              batch.log_probs().size() + batch.logits().size() + batch.values().size());
}

}  // namespace

int64_t ActionBytes(const v1::EnvironmentSpec& environment) {
  static_assert(sizeof(int32_t) == sizeof(float));
  return SpaceSize(environment.action_space()) * static_cast<int64_t>(sizeof(float));
}

std::vector<TrajectoryView> ViewTrajectories(const v1::TrajectoryBatch& batch, const v1::EnvironmentSpec& environment) {
  const int64_t observation_size = SpaceSize(environment.observation_space());
  const int64_t action_bytes = ActionBytes(environment);
  const int64_t logits = environment.action_space().discrete().n();
  ColumnReader<float> observations(batch.observations());
  ColumnReader<std::byte> actions(batch.actions());
  ColumnReader<float> rewards(batch.rewards());
  ColumnReader<float> log_probs(batch.log_probs());
  ColumnReader<float> logit_rows(batch.logits());
  ColumnReader<float> values(batch.values());

  std::vector<TrajectoryView> views;
  views.reserve(static_cast<size_t>(batch.trajectories_size()));
  for (const v1::Trajectory& trajectory : batch.trajectories()) {
    const int64_t steps = trajectory.steps();
    views.push_back({.trajectory = &trajectory,
                     .observations = observations.Take((steps + 1) * observation_size),
                     .actions = actions.Take(steps * action_bytes),
                     .rewards = rewards.Take(steps),
                     .log_probs = log_probs.Take(steps),
                     .logits = logit_rows.Take(steps * logits),
                     .values = values.Take(steps)});
  }
  return views;
}

void AppendTrajectory(const TrajectoryView& view, v1::TrajectoryBatch& target) {
  *target.add_trajectories() = *view.trajectory;
  AppendBytes(view.observations, *target.mutable_observations());
  AppendBytes(view.actions, *target.mutable_actions());
  AppendBytes(view.rewards, *target.mutable_rewards());
  AppendBytes(view.log_probs, *target.mutable_log_probs());
  AppendBytes(view.logits, *target.mutable_logits());
  AppendBytes(view.values, *target.mutable_values());
}

double UndiscountedReturn(const TrajectoryView& view) {
  double sum = 0;
  for (const float reward : view.rewards) sum += reward;
  return sum;
}

absl::Status ValidateBatch(const v1::TrajectoryBatch& batch, const BatchExpectation& expected) {
  if (absl::Status status = CheckStamps(batch, expected); !status.ok()) return status;
  if (const int64_t bytes = ColumnBytes(batch); bytes > kMaxBatchBytes) {
    return Mismatch("batch columns", absl::StrCat(bytes, " bytes"), absl::StrCat("at most ", kMaxBatchBytes));
  }
  const v1::EnvironmentSpec& environment = expected.environment;
  const absl::StatusOr<int64_t> steps = CheckTrajectories(batch, environment.max_episode_steps());
  if (!steps.ok()) return steps.status();

  // No product below overflows: at most 2^26 steps times 2^24 elements (spaces.h) of four bytes.
  const int64_t observations = (*steps + batch.trajectories_size()) * SpaceSize(environment.observation_space());
  const int64_t logits = expected.record_logits ? *steps * environment.action_space().discrete().n() : 0;
  const int64_t values = expected.record_value ? *steps : 0;
  absl::Status status = CheckFloatColumn("observations", batch.observations(), observations);
  status.Update(CheckActions(batch.actions(), *steps, environment.action_space()));
  status.Update(CheckFloatColumn("rewards", batch.rewards(), *steps));
  status.Update(CheckLogProbs(batch.log_probs(), *steps));
  status.Update(CheckFloatColumn("logits", batch.logits(), logits));
  status.Update(CheckFloatColumn("values", batch.values(), values));
  return status;
}

}  // namespace understudy
