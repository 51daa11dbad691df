// An order for one segment of every environment slot: what on-policy training learns from.
#ifndef UNDERSTUDY_COMMON_ROLLOUTS_SEGMENT_ORDER_H_
#define UNDERSTUDY_COMMON_ROLLOUTS_SEGMENT_ORDER_H_

#include <vector>

#include "common/rollouts/lease_table.h"
#include "common/rollouts/order.h"

namespace understudy {

struct SegmentOrderOptions {
  BatchExpectation expectation;
  uint64_t seed = 0;
  int64_t slots = 0;
  int64_t steps = 0;  // of each slot
  // Where every slot stands, in order; empty: all begin.
  std::vector<v1::SlotState> states;
  // Most slots in one request: the inference width.
  int64_t slots_per_request = 64;
};

class SegmentOrder final : public Order {
 public:
  explicit SegmentOrder(SegmentOrderOptions options);

  const BatchExpectation& expectation() const override { return options_.expectation; }
  std::optional<v1::RolloutRequest> Next(uint64_t request_id, int actors) override;
  absl::StatusOr<Acceptance> Accept(const v1::RolloutResult& result) override;
  void Release(uint64_t request_id) override;
  bool done() const override;

  // Once done: all batches, in slot order, each of whole slots; and where every slot stands now. To be called once.
  std::vector<v1::TrajectoryBatch> TakeBatches();
  std::vector<v1::SlotState> TakeStates();

 private:
  SegmentOrderOptions options_;
  LeaseTable leases_;
  std::vector<v1::TrajectoryBatch> batches_;
  std::vector<v1::SlotState> states_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_ROLLOUTS_SEGMENT_ORDER_H_
