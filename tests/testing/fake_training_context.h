// A TrainingContext in one process and one thread: real environments, the real policy, no network.
#ifndef UNDERSTUDY_TESTS_TESTING_FAKE_TRAINING_CONTEXT_H_
#define UNDERSTUDY_TESTS_TESTING_FAKE_TRAINING_CONTEXT_H_

#include <memory>
#include <vector>

#include "learner/training_context.h"

namespace understudy::testing {

// Fulfils orders as actors do, with the random streams of slots and episodes. Inference is in batches of 64 rows,
// padded.
class FakeTrainingContext : public TrainingContext {
 public:
  absl::Status Start(std::shared_ptr<Order> order, std::shared_ptr<const PolicySnapshot> policy,
                     bool background) override;
  absl::Status Await(const Order& order) override;
  bool Ready(const Order& order) const override { return order.done(); }
  void Drop(const Order& order) override;
  v1::TrajectoryAccounting trajectories() const override;
  LearnerGroup& group() override { return learners != nullptr ? *learners : TrainingContext::group(); }
  absl::StatusOr<Demonstrations> ReadDemonstrations() override { return demonstrations; }
  absl::Status Report(const v1::StageProgress& progress) override {
    reports.push_back(progress);
    return absl::OkStatus();
  }
  bool CheckpointDue() override { return checkpoints_due; }
  bool Draining() const override { return draining; }
  absl::Status SaveCheckpoint(v1::Checkpoint checkpoint) override;
  absl::Status CheckCancelled() const override;

  // The other ranks; null: there are none.
  LearnerGroup* learners = nullptr;
  // What ReadDemonstrations answers.
  Demonstrations demonstrations;
  // CheckCancelled returns CANCELLED after this many calls; negative: never.
  mutable int calls_until_cancelled = -1;
  // The environment's rewards are multiplied by this.
  float reward_scale = 1;
  // Whether orders are run as soon as they are started; otherwise they are run when they are awaited.
  bool actors_are_quick = false;
  // Counts of the stage's trajectories before this context, as a checkpoint has them.
  v1::TrajectoryAccounting trajectories_before;
  // Whether checkpoints are wanted, after every iteration.
  bool checkpoints_due = false;
  bool draining = false;

  // What was asked of it.
  std::vector<v1::StageProgress> reports;
  std::vector<v1::RolloutRequest> requests;
  std::vector<std::shared_ptr<const PolicySnapshot>> policies;  // one for each order
  std::vector<v1::Checkpoint> checkpoints;
  int dropped = 0;  // orders

 private:
  struct Started {
    std::shared_ptr<Order> order;
    std::shared_ptr<const PolicySnapshot> policy;
    int64_t accepted = 0;
  };
  absl::Status Run(Started& started);
  std::vector<Started>::iterator Find(const Order& order);

  std::vector<Started> started_;
  int64_t accepted_ = 0;  // of orders that have ended
};

// Records episodes 0, 1, 2 … under `seed`, with sampled actions, until they have `transitions`. Returns them as a
// complete dataset named "demonstrations" with logits and values.
absl::StatusOr<Demonstrations> RecordDemonstrations(const v1::EnvironmentSpec& environment,
                                                    const std::shared_ptr<const PolicySnapshot>& policy, uint64_t seed,
                                                    int64_t transitions);

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_FAKE_TRAINING_CONTEXT_H_
