#include "actor/result_builder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/trajectory/trajectory_layout.h"

namespace understudy {
namespace {

// A result is sent before it would grow beyond this, unless one episode or segment alone does.
constexpr int64_t kResultBytes = int64_t{1} << 20;
// Of a batch that travels: its message has other fields, too.
constexpr int64_t kMaxColumnBytes = kMaxBatchBytes / 2;

}  // namespace

ResultBuilder::ResultBuilder(const v1::RolloutRequest& request, const std::string& environment, const EmitResult& emit,
                             v1::RolloutResult& buffer)
    : request_(request), environment_(environment), emit_(emit), result_(buffer) {
  BeginResult();
}

void ResultBuilder::BeginResult() {
  // Field by field: clearing the whole would free the batch and its columns.
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
