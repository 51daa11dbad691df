#include "actor/trajectory_recorder.h"

#include <bit>

namespace understudy {
namespace {

static_assert(std::endian::native == std::endian::little, "columns are little-endian, and so must be the machine");

template <typename Number>
void Append(std::span<const Number> numbers, std::string& column) {
  column.append(reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes());
}

template <typename Number>
void Append(const Number& number, std::string& column) {
  Append(std::span<const Number>(&number, 1), column);
}

}  // namespace

void TrajectoryRecorder::Begin(int64_t slot, int64_t episode, int64_t first_step, std::span<const float> observation) {
  v1::Trajectory& trajectory = trajectories_.emplace_back();
  trajectory.set_slot(slot);
  trajectory.set_episode(episode);
  trajectory.set_first_step(first_step);
  Append(observation, observations_);
}

void TrajectoryRecorder::Add(const RecordedStep& step) {
  trajectories_.back().set_steps(trajectories_.back().steps() + 1);
  Append(step.action, actions_);
  Append(step.reward, rewards_);
  Append(step.log_prob, log_probs_);
  Append(step.logits, logits_);
  Append(step.value, values_);
  Append(step.next_observation, observations_);
}

void TrajectoryRecorder::End(bool terminated, bool truncated) {
  trajectories_.back().set_terminated(terminated);
  trajectories_.back().set_truncated(truncated);
}

int64_t TrajectoryRecorder::bytes() const {
  return static_cast<int64_t>(observations_.size() + actions_.size() + rewards_.size() + log_probs_.size() +
                              logits_.size() + values_.size());
}

void TrajectoryRecorder::MoveTo(v1::TrajectoryBatch& batch) {
  for (const v1::Trajectory& trajectory : trajectories_) *batch.add_trajectories() = trajectory;
  batch.mutable_observations()->append(observations_);
  batch.mutable_actions()->append(actions_);
  batch.mutable_rewards()->append(rewards_);
  batch.mutable_log_probs()->append(log_probs_);
  batch.mutable_logits()->append(logits_);
  batch.mutable_values()->append(values_);
  Clear();
}

void TrajectoryRecorder::Clear() {
  trajectories_.clear();
  for (std::string* column : {&observations_, &actions_, &rewards_, &log_probs_, &logits_, &values_}) column->clear();
}

}  // namespace understudy
