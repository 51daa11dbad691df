// The stop rule: greedy episodes on a frozen policy version decide whether training has converged, while it goes on.
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

// Evaluations run beside training. Until one's outcome is known, what later iterations report is kept back: when the
// rule turns out to be reached, the evaluated iteration was the last, and what came after it never was. So result and
// metrics do not depend on how long an evaluation takes. Thread-compatible. Without a rule in the stage it never
// evaluates and is never reached.
class StopRule {
 public:
  // `stage`: valid, with its defaults filled in.
  StopRule(const v1::TrainStage& stage, const v1::EnvironmentSpec& environment);

  // To be called after each iteration or epoch (1, 2, 3 …). Reports it, or keeps the report until the outcome of an
  // evaluation is known; looks whether it is; begins an evaluation where one is due after this iteration, for which it
  // waits until the one before has ended. `report`: without the evaluation's steps and metrics, which are added.
  // `output`: the stage's, if this was the last iteration, but for what FillIn writes. Errors are the context's.
  absl::Status AfterIteration(v1::StageProgress report, TrainingOutput output, TrainingContext& context);

  // An evaluation is under way.
  bool evaluating() const { return order_ != nullptr; }
  // Waits for it, and reports what was kept back.
  absl::Status Settle(TrainingContext& context);

  // The last evaluation that has ended reached the rule's mean return: training is to end.
  bool reached() const { return rule_.has_value() && last_.episodes > 0 && last_.mean_return >= rule_->mean_return(); }

  // How the stage ends, once training has ended, with the status `trained`: with the output of the iteration that
  // reached the rule; else with the error, or with `output`, evaluated now unless its very version was the last to be.
  // Verdict, mean return and number of episodes are filled in.
  absl::StatusOr<TrainingOutput> Conclude(const absl::Status& trained, TrainingOutput output, TrainingContext& context);

  // What a checkpoint holds of it, where no evaluation is under way, and going on from there.
  v1::StopRuleState state() const;
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
  int64_t steps_ = 0;  // of all evaluations

  // While one is under way.
  std::shared_ptr<EpisodeOrder> order_;
  int64_t accepted_before_ = 0;             // trajectories of the stage
  std::vector<v1::StageProgress> reports_;  // of the evaluated iteration and of later ones

  TrainingOutput evaluated_;  // by the latest evaluation that began
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_ALGORITHMS_STOP_RULE_H_
