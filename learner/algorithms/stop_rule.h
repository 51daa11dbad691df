// Decides whether training has converged: greedy episodes with a frozen policy version, while training goes on.
#ifndef UNDERSTUDY_LEARNER_ALGORITHMS_STOP_RULE_H_
#define UNDERSTUDY_LEARNER_ALGORITHMS_STOP_RULE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/rollouts/episode_order.h"
#include "learner/training_context.h"
#include "understudy/v1/checkpoints.pb.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Evaluations run beside training. While one is running, the stop rule keeps back what later iterations report. If the
// evaluation reaches the rule's mean return, the evaluated iteration was the last one, and the later ones are dropped.
// So neither the result nor the metrics depend on how long an evaluation takes.
//
// A StopRule is thread-compatible. If the stage has no rule, nothing is ever evaluated or reached.
class StopRule {
 public:
  // `stage` is valid, with its defaults filled in.
  StopRule(const v1::TrainStage& stage, const v1::EnvironmentSpec& environment);

  // Call this after each iteration or epoch. It reports the iteration, or keeps the report back while an evaluation is
  // running. If an evaluation is due after this iteration, it waits for the one before, and begins it.
  //
  // `report` is without the evaluation's steps and metrics, which are added here. `output` is what the stage comes to
  // if this was the last iteration, without what Conclude fills in.
  // Errors: the context's.
  absl::Status AfterIteration(v1::StageProgress report, TrainingOutput output, TrainingContext& context);

  // True while an evaluation is running.
  bool evaluating() const { return order_ != nullptr; }
  // Waits until the running evaluation has ended, and reports what was kept back. Does nothing if none is running.
  absl::Status FinishEvaluation(TrainingContext& context);

  // True once an evaluation has reached the rule's mean return: training is to end.
  bool reached() const { return rule_.has_value() && last_.episodes > 0 && last_.mean_return >= rule_->mean_return(); }

  // Returns the stage's result after training has ended with the status `trained`. If the rule was reached, the result
  // is the output of the iteration that reached it, even if a later iteration failed. Otherwise it is `output`, whose
  // policy is evaluated now unless that was done last. Fills in the verdict, the mean return and the number of
  // evaluation episodes.
  // Errors: `trained`, if it is CANCELLED or GroupBroken, or if training failed and the rule was not reached; the
  // context's.
  absl::StatusOr<TrainingOutput> Conclude(const absl::Status& trained, TrainingOutput output, TrainingContext& context);

  // Returns what a checkpoint holds of the rule. Call it only while no evaluation is running.
  v1::StopRuleState state() const;
  // Continues from such a state. Call it only while no evaluation is running.
  void Restore(const v1::StopRuleState& state);

 private:
  absl::Status Begin(const std::shared_ptr<const PolicySnapshot>& policy, bool background, TrainingContext& context);
  absl::Status Await(TrainingContext& context);
  absl::Status Report(v1::StageProgress report, bool evaluated, TrainingContext& context) const;

  std::optional<v1::StopRule> rule_;
  v1::EnvironmentSpec environment_;
  uint64_t seed_;
  int64_t evaluated_version_ = 0;
  EpisodeSummary last_;
  int64_t steps_ = 0;  // environment steps of all evaluations

  // Only while an evaluation is running.
  std::shared_ptr<EpisodeOrder> order_;
  int64_t accepted_before_ = 0;             // the stage's accepted trajectories when it began
  std::vector<v1::StageProgress> reports_;  // kept back: the evaluated iteration's and later ones

  TrainingOutput evaluated_;  // what the latest evaluation was begun for
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_STOP_RULE_H_
