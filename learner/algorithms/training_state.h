// What every algorithm trains with, and how it gets into a checkpoint and out again.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_TRAINING_STATE_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_TRAINING_STATE_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/policy/policy.h"
#include "learner/algorithms/algorithm.h"
#include "learner/algorithms/parameter_update.h"
#include "learner/algorithms/stop_rule.h"
#include "understudy/v1/checkpoints.pb.h"

namespace understudy {

// Thread-compatible.
struct TrainingState {
  // `initial`: the policy at the stage's beginning. `unit`: what iterations are called in messages. The group must
  // outlive it.
  TrainingState(const TrainingInput& input, std::string_view unit, Policy initial,
                std::unique_ptr<Backpropagation> backpropagation, AdamOptions optimizer, double max_gradient_norm,
                LearnerGroup& group);
  TrainingState(const TrainingState&) = delete;  // update refers to policy

  // What every rank reports of the iteration, by rank: TrainingContext::Exchange. INTERNAL: the ranks have come to
  // other policies than `made`, which they never may.
  absl::StatusOr<std::vector<v1::RankReport>> Exchange(v1::RankReport mine, const PolicySnapshot& made,
                                                       TrainingContext& context);

  // The end of an iteration: rank 0 reports it, evaluates, and decides for all whether training has ended and whether a
  // checkpoint is to be captured now, which is returned. One that would have to hold what an evaluation under way is of
  // is put off by an iteration; the next one waits for the evaluation, and so does one before the process ends.
  absl::StatusOr<bool> EndIteration(v1::StageProgress report, TrainingOutput output, TrainingContext& context);

  // The stop rule is reached.
  bool ended() const { return ended_ || stop_rule.reached(); }

  // A checkpoint without the algorithm's own state.
  v1::Checkpoint Capture() const;

  // Goes on where a valid checkpoint was captured: afterwards Capture gives the same bits. CheckpointDoesNotFit, with
  // nothing changed, where it is of another network, or of an iteration after the last.
  absl::Status Restore(const v1::Checkpoint& checkpoint, int64_t iterations);

  // StopRule::Conclude, whose own errors it says where they happened; of other ranks than 0 nothing is asked.
  absl::StatusOr<TrainingOutput> Conclude(const absl::Status& trained, TrainingOutput output, TrainingContext& context);

  // Of training, before the checkpoint too. No clock that is set changes it.
  double seconds() const;

  Policy policy;
  LearnerGroup& group;
  ParameterUpdate update;
  StopRule stop_rule;
  int64_t iteration = 0;  // the current one: 1, 2, 3 …
  int64_t updates = 0;    // minibatches so far

 private:
  absl::StatusOr<bool> CheckpointDue(TrainingContext& context);

  std::string_view unit_;
  bool ended_ = false;  // as rank 0 has said
  bool checkpoint_put_off_ = false;
  double seconds_before_ = 0;
  std::chrono::steady_clock::time_point started_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_TRAINING_STATE_H_
