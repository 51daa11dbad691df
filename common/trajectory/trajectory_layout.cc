#include "common/trajectory/trajectory_layout.h"

#include <bit>

#include "common/environment/spaces.h"

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

  // An empty column, one that was not recorded, has only empty parts.
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

}  // namespace understudy
