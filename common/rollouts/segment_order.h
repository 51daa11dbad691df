// An order for one segment, a number of steps, of every environment slot. On-policy training learns from these.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_SEGMENT_ORDER_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_SEGMENT_ORDER_H_

#include <map>
#include <vector>

#include "common/rollouts/lease_table.h"
#include "common/rollouts/order.h"

namespace understudy {

// Largest saved state of a slot's environment. The states of a request's 64 slots fill half of the largest message
// (kMaxMessageBytes).
inline constexpr int64_t kMaxSlotStateBytes = int64_t{1} << 19;

struct SegmentOrderOptions {
  BatchExpectation expectation;
  uint64_t seed = 0;
  int64_t slots = 0;
  int64_t steps = 0;       // that each slot is to take
  int64_t first_slot = 0;  // number of the first slot
  // The state that each slot has reached, in order; empty: all slots begin.
  std::vector<v1::SlotState> states = {};
  // Most slots in one request. It is the inference width.
  int64_t slots_per_request = 64;
};

class SegmentOrder final : public Order {
 public:
  explicit SegmentOrder(SegmentOrderOptions options);

  const BatchExpectation& expectation() const override { return options_.expectation; }
  // Asks for an even share of the slots.
  std::optional<v1::RolloutRequest> Next(uint64_t request_id, int actors) override;
  int64_t open() const override { return options_.slots - leases_.next() + leases_.reopened(); }
  // Keeps the batch. A result must cover consecutive whole slots. For each it needs trajectories that continue from the
  // slot's state without a gap, and the state that they lead to.
  absl::StatusOr<Acceptance> Accept(v1::RolloutResult&& result) override;
  void Release(uint64_t request_id) override;
  bool done() const override { return leases_.done_prefix() == options_.slots; }

  // Move out all batches, in slot order, each of whole slots; and the state that every slot has reached. To be called
  // once, when the order is done.
  std::vector<v1::TrajectoryBatch> TakeBatches();
  std::vector<v1::SlotState> TakeStates();

 private:
  absl::Status Check(const v1::RolloutResult& result, const NumberRange& slots) const;
  // Returns a slot's place among this order's slots.
  int64_t PlaceOf(int64_t slot) const { return slot - options_.first_slot; }

  SegmentOrderOptions options_;
  LeaseTable leases_;                               // of places
  std::map<int64_t, v1::TrajectoryBatch> batches_;  // by first slot
  std::vector<v1::SlotState> states_;               // that the slots in batches_ have reached
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_SEGMENT_ORDER_H_
