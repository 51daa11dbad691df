// What every training algorithm keeps from iteration to iteration: a policy, its optimiser, a stop rule and counters.
// Checkpoints are made of it, and training continues from them.
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

// The algorithm itself counts `iteration` and `updates`. All ranks call Exchange and EndIteration in the same order,
// and wait there for one another. Thread-compatible.
struct TrainingState {
  Policy policy;           // the newest parameters
  LearnerGroup& group;     // the learners that train together
  ParameterUpdate update;  // changes `policy`
  StopRule stop_rule;      // decides when training has converged
  int64_t iteration = 0;   // the current one, counted from 1; 0 before the first
  int64_t updates = 0;     // minibatches so far

  // Begins before the first iteration, with the policy `initial`. `unit` is what messages call an iteration. `unit` and
  // `learners` must outlive the state.
  TrainingState(const TrainingInput& input, std::string_view unit, Policy initial,
                std::unique_ptr<Backpropagation> backpropagation, AdamOptions optimizer, double max_gradient_norm,
                LearnerGroup& learners);
  TrainingState(const TrainingState&) = delete;  // `update` refers to `policy`

  // Sends this rank's report of the iteration to all ranks, and returns the reports of all, by rank. `made` is the
  // policy that the iteration has led to: it must be the same at every rank.
  // Errors: INTERNAL if another rank has made a different policy; those of TrainingContext::Exchange.
  absl::StatusOr<std::vector<v1::RankReport>> Exchange(v1::RankReport mine, const PolicySnapshot& made,
                                                       TrainingContext& context);

  // Ends an iteration, and returns whether to capture a checkpoint. Rank 0 reports the iteration; while an evaluation
  // runs, a later call does. Once the stop rule is reached, nothing more is reported. Rank 0 begins an evaluation if
  // one is due. It decides for all ranks whether training has ended (see `ended`), and whether to capture a checkpoint.
  //
  // A checkpoint cannot hold an evaluation that is still running. So if one is running when a checkpoint is due, the
  // checkpoint is first put off by one iteration. If an evaluation is still running then, or if the process is about to
  // end, this call waits until the evaluation has ended.
  // Errors: those of the context, with the iteration's number added; those of the group (LearnerGroup).
  absl::StatusOr<bool> EndIteration(v1::StageProgress report, TrainingOutput output, TrainingContext& context);

  // True once the stop rule has been reached. This says nothing about the last iteration: the algorithm itself stops
  // after that one.
  bool ended() const { return ended_ || stop_rule.reached(); }

  // Returns a checkpoint of everything here. The algorithm adds its own state. To be called only after EndIteration has
  // returned true: no evaluation is running then.
  v1::Checkpoint Capture() const;

  // Continues from a valid checkpoint: afterwards Capture would return the same bits, except for the seconds of
  // training. `iterations` is the number of the last iteration that the stage can have.
  // Errors: CheckpointDoesNotFit if the checkpoint is of another network, has another number of parameters, or is of a
  // later iteration than the last.
  // Nothing has changed then.
  absl::Status Restore(const v1::Checkpoint& checkpoint, int64_t iterations);

  // Returns the stage's result, after training has ended with the status `trained`: see StopRule::Conclude. Ranks other
  // than 0 return `trained` if that is an error, and otherwise `output` as it is.
  absl::StatusOr<TrainingOutput> Conclude(const absl::Status& trained, TrainingOutput output, TrainingContext& context);

  // Returns the seconds of training so far. After Restore they include the seconds before that checkpoint. Setting the
  // system's clock does not change them.
  double seconds() const;

 private:
  absl::StatusOr<bool> CheckpointDue(TrainingContext& context);

  std::string_view unit_;
  bool ended_ = false;  // rank 0's decision
  bool checkpoint_put_off_ = false;
  double seconds_before_ = 0;
  std::chrono::steady_clock::time_point started_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_TRAINING_STATE_H_
