// An order for one segment of every environment slot: what on-policy training learns from.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_SEGMENT_ORDER_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_SEGMENT_ORDER_H_

#include <map>
#include <vector>

#include "common/rollouts/lease_table.h"
#include "common/rollouts/order.h"

namespace understudy {

// Largest state of an environment that a slot may have: those of the 64 slots of a request fit into one message of
// kMaxMessageBytes, and fill half of it.
inline constexpr int64_t kMaxSlotStateBytes = int64_t{1} << 19;

struct SegmentOrderOptions {
  BatchExpectation expectation;
  uint64_t seed = 0;
  int64_t slots = 0;
  int64_t steps = 0;       // of each slot
  int64_t first_slot = 0;  // the number of the first
  // Where every slot stands, in order; empty: all begin.
  std::vector<v1::SlotState> states = {};
  // Most slots in one request: the inference width.
  int64_t slots_per_request = 64;
};

class SegmentOrder final : public Order {
 public:
  explicit SegmentOrder(SegmentOrderOptions options);

  const BatchExpectation& expectation() const override { return options_.expectation; }
  // Shares the slots evenly among the actors.
  std::optional<v1::RolloutRequest> Next(uint64_t request_id, int actors) override;
  int64_t open() const override { return options_.slots - leases_.next() + leases_.reopened(); }
  // Keeps the batch. A result must cover consecutive whole slots. For each it needs trajectories that continue from the
  // slot's state without a gap, and the state that they lead to.
  absl::StatusOr<Acceptance> Accept(v1::RolloutResult&& result) override;
  void Release(uint64_t request_id) override;
  bool done() const override { return leases_.done_prefix() == options_.slots; }

  // Once done: all batches, in slot order, each of whole slots; and where every slot stands now. To be called once.
  std::vector<v1::TrajectoryBatch> TakeBatches();
  std::vector<v1::SlotState> TakeStates();

 private:
  absl::Status Check(const v1::RolloutResult& result, const NumberRange& slots) const;
  // Its place among this order's slots.
  int64_t PlaceOf(int64_t slot) const { return slot - options_.first_slot; }

  SegmentOrderOptions options_;
  LeaseTable leases_;                               // of places
  std::map<int64_t, v1::TrajectoryBatch> batches_;  // by first slot
  std::vector<v1::SlotState> states_;               // where the slots of batches_ stand
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_SEGMENT_ORDER_H_
