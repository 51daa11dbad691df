// The stop rule: greedy episodes on a frozen policy version decide whether training has converged.
#ifndef UNDERSTUDY_LEARNER_STOP_RULE_H_
#define UNDERSTUDY_LEARNER_STOP_RULE_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "common/rollouts/episode_order.h"
#include "learner/training_context.h"
#include "understudy/v1/checkpoints.pb.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Thread-compatible. Without a rule in the stage it never evaluates and is never reached.
class StopRule {
 public:
  // `stage`: valid, with its defaults filled in.
  StopRule(const v1::TrainStage& stage, const v1::EnvironmentSpec& environment);

  // An evaluation is due after this iteration or epoch (1, 2, 3 …).
  bool DueAfter(int64_t iteration) const { return rule_.has_value() && iteration % rule_->interval() == 0; }

  // Evaluates a frozen policy, unless that very version was the last to be evaluated or there is no rule. Each version
  // plays episodes of its own, whose seed comes from the stage's seed and the version. Errors are the context's.
  absl::Status Evaluate(std::shared_ptr<const PolicySnapshot> policy, TrainingContext& context);

  // The last evaluation reached the rule's mean return.
  bool reached() const { return rule_.has_value() && last_.episodes > 0 && last_.mean_return >= rule_->mean_return(); }

  // Of the last evaluation; no episodes: nothing was evaluated.
  const EpisodeSummary& last() const { return last_; }

  // Environment steps of all evaluations.
  int64_t steps() const { return steps_; }

  // Writes verdict, mean return and number of episodes.
  void FillIn(v1::TrainResult& result) const;

  // What a checkpoint holds of it, and going on from there.
  v1::StopRuleState state() const;
  void Restore(const v1::StopRuleState& state);

 private:
  std::optional<v1::StopRule> rule_;
  v1::EnvironmentSpec environment_;
  uint64_t seed_;
  int64_t evaluated_version_ = 0;
  EpisodeSummary last_;
  int64_t steps_ = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_STOP_RULE_H_
