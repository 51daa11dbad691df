// Learner and actor in one process and one thread: what training costs where nothing goes over a wire.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_IN_PROCESS_CONTEXT_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_IN_PROCESS_CONTEXT_H_

#include <memory>
#include <vector>

#include "actor/rollout_worker.h"
#include "common/process/cancellation.h"
#include "learner/training_context.h"

namespace understudy::benchmarks {

// Fulfils orders with the actor's own RolloutWorker, at once. Results go from it to the order as they are: not
// serialised, and, as nobody else made them, not validated. Reports are kept; checkpoints are not taken.
// Thread-compatible.
class InProcessContext final : public TrainingContext {
 public:
  explicit InProcessContext(RolloutWorker worker) : worker_(std::move(worker)) {}

  absl::Status Start(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> snapshot,
                     bool background) override;
  absl::Status Await(const Order&) override { return absl::OkStatus(); }
  bool Ready(const Order&) const override { return true; }
  void Drop(const Order&) override {}
  v1::TrajectoryAccounting trajectories() const override { return {}; }
  absl::StatusOr<Demonstrations> ReadDemonstrations() override;
  absl::Status Report(const v1::StageProgress& progress) override;
  bool CheckpointDue() override { return false; }
  bool Draining() const override { return false; }
  absl::Status SaveCheckpoint(v1::Checkpoint) override { return absl::OkStatus(); }
  absl::Status CheckCancelled() const override { return absl::OkStatus(); }

  const std::vector<v1::StageProgress>& reports() const { return reports_; }

 private:
  RolloutWorker worker_;
  Cancellation never_;
  std::vector<v1::StageProgress> reports_;
};

}  // namespace understudy::benchmarks

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_IN_PROCESS_CONTEXT_H_
