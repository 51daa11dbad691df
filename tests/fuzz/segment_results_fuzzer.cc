// Hostile actors at an order for segments: every slot advances once, without a gap, by as many steps as were ordered.
#include <vector>

#include "common/rollouts/segment_order.h"
#include "tests/fuzz/rollout_fuzz.h"
#include "tests/testing/trajectory_batches.h"

namespace understudy::fuzz {
namespace {

constexpr int64_t kSlots = 6;
constexpr int64_t kSteps = 8;

std::vector<v1::SlotState> Places() {
  std::vector<v1::SlotState> states(kSlots);
  for (int64_t slot = 0; slot < kSlots; ++slot) {
    states[slot].set_slot(slot);
    states[slot].set_steps(100 + slot);
    states[slot].set_episode(slot);
    states[slot].set_episode_step(20 + slot);
    states[slot].set_environment("somewhere");
  }
  return states;
}

void AddPiece(v1::SlotState& place, int64_t steps, bool ends, v1::TrajectoryBatch& batch) {
  v1::Trajectory piece;
  piece.set_slot(place.slot());
  piece.set_episode(place.episode());
  piece.set_first_step(place.episode_step());
  piece.set_steps(steps);
  piece.set_terminated(ends);
  testing::AddTrajectory(piece, {}, batch);
  place.set_steps(place.steps() + steps);
  place.set_episode(place.episode() + (ends ? 1 : 0));
  place.set_episode_step(ends ? 0 : place.episode_step() + steps);
}

class Segments final : public OrderUnderTest {
 public:
  explicit Segments(bool goes_on)
      : order_(std::make_shared<SegmentOrder>(SegmentOrderOptions{
            .expectation = testing::ExpectationOf({}),
            .seed = 7,
            .slots = kSlots,
            .steps = kSteps,
            .states = goes_on ? Places() : std::vector<v1::SlotState>(),
            .slots_per_request = 2,
        })) {}

  std::shared_ptr<Order> order() override { return order_; }
  std::optional<int64_t> taken() const override { return std::nullopt; }

  v1::RolloutResult Answer(const v1::RolloutRequest& request) const override {
    const v1::SegmentRequest& segments = request.segments();
    v1::RolloutResult result;
    result.set_request_id(request.id());
    *result.mutable_batch() = testing::EpisodeBatch({}, 0);
    for (int64_t slot = segments.begin(); slot < segments.end(); ++slot) {
      v1::SlotState place;
      place.set_slot(slot);
      if (!segments.states().empty()) place = segments.states(static_cast<int>(slot - segments.begin()));
      AddPiece(place, 3, true, *result.mutable_batch());
      AddPiece(place, kSteps - 3, false, *result.mutable_batch());
      place.set_environment("elsewhere");
      *result.add_states() = place;
    }
    result.set_last(true);
    return result;
  }

  void CheckDone(bool goes_on) const {
    int64_t slot = 0;
    int64_t steps = 0;
    for (const v1::TrajectoryBatch& batch : order_->TakeBatches()) {
      Require(ValidateBatch(batch, order_->expectation()).ok(), "what training gets is valid");
      for (const v1::Trajectory& trajectory : batch.trajectories()) {
        Require(trajectory.slot() == slot, "slots are in order");
        steps += trajectory.steps();
        if (steps == kSteps) ++slot, steps = 0;
      }
    }
    Require(slot == kSlots && steps == 0, "and all there, with as many steps as were ordered");
    const std::vector<v1::SlotState> states = order_->TakeStates();
    Require(states.size() == kSlots, "every slot stands somewhere");
    for (int64_t i = 0; i < kSlots; ++i) {
      Require(states[i].slot() == i && states[i].steps() == kSteps + (goes_on ? 100 + i : 0), "where it was led");
    }
  }

 private:
  std::shared_ptr<SegmentOrder> order_;
};

}  // namespace
}  // namespace understudy::fuzz

// One byte that chooses the order, then what the actors do: rollout_fuzz.cc.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace understudy::fuzz;
  Input input(data, size);
  const bool goes_on = input.Byte() % 2 == 1;
  Segments test(goes_on);
  if (RunHostileActors(input, test)) test.CheckDone(goes_on);
  return 0;
}
