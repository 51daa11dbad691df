#include "common/rollouts/segment_order.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/process/text.h"
#include "common/rollouts/accounting.h"

namespace understudy {
namespace {

absl::Status Wrong(int64_t slot, const std::string& what) {
  return absl::InvalidArgumentError(absl::StrCat("slot ", slot, ": ", what));
}

// Says how far a slot has come.
std::string PlaceText(const v1::SlotState& state) {
  return absl::StrCat("transition ", state.steps(), ", episode ", state.episode(), ", step ", state.episode_step());
}

// Advances `place` by a trajectory, which must begin there.
absl::Status Advance(const v1::Trajectory& trajectory, v1::SlotState& place) {
  const int64_t slot = place.slot();
  if (trajectory.slot() != slot) return Wrong(slot, absl::StrCat("found a trajectory of slot ", trajectory.slot()));
  if (trajectory.episode() != place.episode() || trajectory.first_step() != place.episode_step()) {
    return Wrong(
        slot, absl::StrCat("a trajectory begins at episode ", trajectory.episode(), ", step ", trajectory.first_step(),
                           ", expected episode ", place.episode(), ", step ", place.episode_step()));
  }
  place.set_steps(place.steps() + trajectory.steps());
  const bool ended = trajectory.terminated() || trajectory.truncated();
  place.set_episode(place.episode() + (ended ? 1 : 0));
  place.set_episode_step(ended ? 0 : place.episode_step() + trajectory.steps());
  return absl::OkStatus();
}

absl::Status CheckState(const v1::SlotState& state, const v1::SlotState& expected) {
  if (state.slot() != expected.slot())
    return Wrong(expected.slot(), absl::StrCat("its state is slot ", state.slot(), "'s"));
  if (PlaceText(state) != PlaceText(expected)) {
    return Wrong(state.slot(), absl::StrCat("its state is at ", PlaceText(state), ", its trajectories lead to ",
                                            PlaceText(expected)));
  }
  const auto bytes = static_cast<int64_t>(state.environment().size());
  if (bytes > kMaxSlotStateBytes) {
    return Wrong(state.slot(),
                 absl::StrCat("state of ", bytes, " bytes, at most ", kMaxSlotStateBytes, " are allowed"));
  }
  return absl::OkStatus();
}

}  // namespace

SegmentOrder::SegmentOrder(SegmentOrderOptions options)
    : options_(std::move(options)), leases_(options_.slots), states_(static_cast<size_t>(options_.slots)) {}

std::optional<v1::RolloutRequest> SegmentOrder::Next(uint64_t request_id, int actors) {
  const auto range = leases_.Lease(request_id, EvenPart(options_.slots, actors, options_.slots_per_request));
  if (!range.has_value()) return std::nullopt;
  v1::RolloutRequest request =
      MakeRequest(request_id, options_.expectation, v1::ROLLOUT_PURPOSE_TRAINING, options_.seed);
  v1::SegmentRequest& segments = *request.mutable_segments();
  segments.set_begin(options_.first_slot + range->begin);
  segments.set_end(options_.first_slot + range->end);
  segments.set_steps(options_.steps);
  for (int64_t place = range->begin; place < range->end && !options_.states.empty(); ++place) {
    *segments.add_states() = options_.states[static_cast<size_t>(place)];
  }
  return request;
}

absl::Status SegmentOrder::Check(const v1::RolloutResult& result, const NumberRange& slots) const {
  auto trajectory = result.batch().trajectories().begin();
  const auto end = result.batch().trajectories().end();
  if (result.states().empty() && !result.last()) {
    return absl::InvalidArgumentError(absl::StrCat("request ", result.request_id(), ": a result without slot states"));
  }
  for (int i = 0; i < result.states_size(); ++i) {
    const int64_t slot = result.states(0).slot() + i;
    if (!slots.contains(slot) || leases_.IsDone(PlaceOf(slot))) {
      return Wrong(slot, absl::StrCat("request ", result.request_id(), " is for slots ", slots.begin, " to ",
                                      slots.end - 1, ", each once"));
    }
    v1::SlotState place;
    place.set_slot(slot);
    if (!options_.states.empty()) place = options_.states[static_cast<size_t>(PlaceOf(slot))];
    const int64_t wanted = place.steps() + options_.steps;
    for (; place.steps() < wanted; ++trajectory) {
      if (trajectory == end)
        return Wrong(slot, absl::StrCat("ends ", CountText(wanted - place.steps(), "step"), " early"));
      if (absl::Status status = Advance(*trajectory, place); !status.ok()) return status;
    }
    if (place.steps() > wanted)
      return Wrong(slot, absl::StrCat(CountText(place.steps() - wanted, "step"), " too many"));
    if (absl::Status status = CheckState(result.states(i), place); !status.ok()) return status;
  }
  if (trajectory != end) return Wrong(trajectory->slot(), "a trajectory of a slot without state");
  if (result.last() && result.states_size() < leases_.remaining(result.request_id())) {
    return absl::InvalidArgumentError(absl::StrCat("request ", result.request_id(),
                                                   ": the last result came without all slots from ", slots.begin,
                                                   " to ", slots.end - 1));
  }
  return absl::OkStatus();
}

absl::StatusOr<Acceptance> SegmentOrder::Accept(v1::RolloutResult&& result) {
  const auto range = leases_.Find(result.request_id());
  if (!range.has_value()) {
    const auto& trajectories = result.batch().trajectories();
    const bool all_done = std::all_of(trajectories.begin(), trajectories.end(), [&](const v1::Trajectory& piece) {
      const int64_t place = PlaceOf(piece.slot());
      return place >= 0 && leases_.IsDone(place);
    });
    return Reject(result, all_done ? kRejectedDuplicate : kRejectedStale,
                  absl::StrCat("request ", result.request_id(), " is over"));
  }
  const NumberRange slots{.begin = options_.first_slot + range->begin, .end = options_.first_slot + range->end};
  if (absl::Status status = Check(result, slots); !status.ok()) return status;
  for (const v1::SlotState& state : result.states()) {
    states_[static_cast<size_t>(PlaceOf(state.slot()))] = state;
    leases_.Complete(PlaceOf(state.slot()));
  }
  const Acceptance acceptance{.accepted = result.batch().trajectories_size()};
  if (!result.states().empty()) batches_[result.states(0).slot()] = std::move(*result.mutable_batch());
  return acceptance;
}

void SegmentOrder::Release(uint64_t request_id) { leases_.Release(request_id); }

std::vector<v1::TrajectoryBatch> SegmentOrder::TakeBatches() {
  std::vector<v1::TrajectoryBatch> batches;
  for (auto& [slot, batch] : batches_) batches.push_back(std::move(batch));
  batches_.clear();
  return batches;
}

std::vector<v1::SlotState> SegmentOrder::TakeStates() { return std::move(states_); }

}  // namespace understudy
