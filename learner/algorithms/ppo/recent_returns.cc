#include "learner/algorithms/ppo/recent_returns.h"

#include "common/trajectory/trajectory_layout.h"

namespace understudy {
namespace {

constexpr size_t kEpisodes = 100;

}  // namespace

std::vector<double> RecentReturns::Add(const v1::TrajectoryBatch& batch, const v1::EnvironmentSpec& environment) {
  std::vector<double> finished;
  for (const TrajectoryView& view : ViewTrajectories(batch, environment)) {
    const v1::Trajectory& trajectory = *view.trajectory;
    double& running = running_[trajectory.slot()];
    if (trajectory.first_step() == 0) running = 0;
    running += UndiscountedReturn(view);
    if (!trajectory.terminated() && !trajectory.truncated()) continue;
    finished.push_back(running);
  }
  return finished;
}

void RecentReturns::AddFinished(double episode_return) {
  finished_.push_back(episode_return);
  if (finished_.size() > kEpisodes) finished_.pop_front();
}

std::optional<double> RecentReturns::Mean() const {
  if (finished_.empty()) return std::nullopt;
  double sum = 0;
  for (const double episode_return : finished_) sum += episode_return;
  return sum / static_cast<double>(finished_.size());
}

void RecentReturns::SaveRunning(Share slots, v1::PpoState& state) const {
  state.mutable_running_returns()->Assign(running_.begin() + slots.begin, running_.begin() + slots.end);
}

void RecentReturns::SaveFinished(v1::PpoState& state) const {
  state.mutable_finished_returns()->Assign(finished_.begin(), finished_.end());
}

void RecentReturns::Restore(const v1::PpoState& state) {
  running_.assign(state.running_returns().begin(), state.running_returns().end());
  finished_.assign(state.finished_returns().begin(), state.finished_returns().end());
}

}  // namespace understudy
