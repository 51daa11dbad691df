#include "actor/trajectory_recorder.h"

#include <bit>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/trajectory/trajectory_layout.h"

namespace understudy {
namespace {

// Bytes of a result's columns. A result is larger only if it holds a single episode or segment that is larger.
constexpr int64_t kResultBytes = int64_t{1} << 20;
// Most bytes of a batch in a message, which has other fields too.
constexpr int64_t kMaxColumnBytes = kMaxBatchBytes / 2;

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

ResultBuilder::ResultBuilder(const v1::RolloutRequest& request, const std::string& environment, const EmitResult& emit,
                             v1::RolloutResult& buffer)
    : request_(request), environment_(environment), emit_(emit), result_(buffer) {
  BeginResult();
}

void ResultBuilder::BeginResult() {
  // Field by field, since clearing the whole result would free the memory of the columns.
  result_.mutable_batch()->Clear();
  result_.clear_states();
  result_.clear_last();
  result_.set_request_id(request_.id());
  result_.set_sequence(next_sequence_++);
  v1::TrajectoryBatch& batch = *result_.mutable_batch();
  batch.set_environment(environment_);
  batch.set_policy(request_.policy());
  batch.set_policy_version(request_.policy_version());
  batch.set_action_mode(request_.action_mode());
  bytes_ = 0;
}

absl::Status ResultBuilder::Add(TrajectoryRecorder& recorder, std::optional<v1::SlotState> state) {
  const int64_t bytes = recorder.bytes() + (state.has_value() ? static_cast<int64_t>(state->environment().size()) : 0);
  if (bytes > kMaxColumnBytes) {
    return absl::FailedPreconditionError(absl::StrCat("one episode or segment takes ", bytes, " bytes, at most ",
                                                      kMaxColumnBytes, " fit into a result"));
  }
  if (bytes_ > 0 && bytes_ + bytes > kResultBytes) {
    if (absl::Status status = Emit(false); !status.ok()) return status;
  }
  recorder.MoveTo(*result_.mutable_batch());
  if (state.has_value()) *result_.add_states() = *std::move(state);
  bytes_ += bytes;
  return absl::OkStatus();
}

absl::Status ResultBuilder::Finish() { return Emit(true); }

absl::Status ResultBuilder::Emit(bool last) {
  result_.set_last(last);
  absl::Status status = emit_(result_);
  BeginResult();
  return status;
}

}  // namespace understudy
