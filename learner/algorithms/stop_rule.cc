#include "learner/algorithms/stop_rule.h"

#include <utility>

#include "common/random/random_stream.h"
#include "learner/group/learner_group.h"

namespace understudy {
namespace {

uint64_t EpisodeSeed(uint64_t stage_seed, int64_t version) {
  RandomStream random(stage_seed, RandomPurpose::kStopRuleSeed, version, 0);
  const uint64_t high = random();
  return high << 32 | random();
}

}  // namespace

StopRule::StopRule(const v1::TrainStage& stage, const v1::EnvironmentSpec& environment)
    : environment_(environment), seed_(stage.seed()) {
  if (stage.has_stop()) rule_ = stage.stop();
}

absl::Status StopRule::AfterIteration(v1::StageProgress report, TrainingOutput output, TrainingContext& context) {
  const bool due = rule_.has_value() && report.iteration() % rule_->interval() == 0;
  if (evaluating() && (due || context.Ready(*order_))) {
    if (absl::Status status = FinishEvaluation(context); !status.ok() || reached()) return status;
  }
  if (!due && !evaluating()) return Report(std::move(report), /*evaluated=*/false, context);
  // The counts belong to this iteration, although it may be reported later.
  *report.mutable_trajectories() = context.trajectories();
  reports_.push_back(std::move(report));
  if (!due) return absl::OkStatus();
  evaluated_ = std::move(output);
  return Begin(evaluated_.policy, /*background=*/true, context);
}

absl::Status StopRule::FinishEvaluation(TrainingContext& context) {
  if (!evaluating()) return absl::OkStatus();
  if (absl::Status status = Await(context); !status.ok()) {
    // The iterations took place, so they are reported. If reporting fails too, the first error is the cause.
    for (const v1::StageProgress& report : std::exchange(reports_, {})) {
      if (absl::IsCancelled(status) || !Report(report, /*evaluated=*/false, context).ok()) break;
    }
    return status;
  }
  evaluated_.superseded_trajectories = context.trajectories().accepted() - accepted_before_ - last_.episodes;
  const std::vector<v1::StageProgress> reports = std::exchange(reports_, {});
  for (size_t i = 0; i < reports.size(); ++i) {
    if (i > 0 && reached()) break;
    v1::StageProgress report = reports[i];
    v1::TrajectoryAccounting& trajectories = *report.mutable_trajectories();
    trajectories.set_produced(trajectories.produced() + last_.episodes);
    trajectories.set_accepted(trajectories.accepted() + last_.episodes);
    if (absl::Status status = Report(std::move(report), /*evaluated=*/i == 0, context); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::StatusOr<TrainingOutput> StopRule::Conclude(const absl::Status& trained, TrainingOutput output,
                                                  TrainingContext& context) {
  if (absl::IsCancelled(trained) || IsGroupBroken(trained)) return trained;
  if (absl::Status status = FinishEvaluation(context); !status.ok()) return trained.ok() ? status : trained;
  // If the rule was reached, a quicker evaluation would have ended training before the failure. So the failure is
  // dropped.
  if (!trained.ok() && !(reached() && evaluated_.policy != nullptr)) return trained;
  // After a restart from a checkpoint there is no evaluated output. The rule was not reached then, or there would be no
  // checkpoint.
  if (reached() && evaluated_.policy != nullptr) {
    output = std::move(evaluated_);
  } else if (rule_.has_value() && output.policy->header.version() != evaluated_version_) {
    absl::Status status = Begin(output.policy, /*background=*/false, context);
    if (status.ok()) status = Await(context);
    if (!status.ok()) return status;
  }
  output.result.set_converged(reached());
  output.result.set_mean_return(last_.mean_return);
  output.result.set_evaluation_episodes(last_.episodes);
  return output;
}

absl::Status StopRule::Begin(const std::shared_ptr<const PolicySnapshot>& policy, bool background,
                             TrainingContext& context) {
  order_ = std::make_shared<EpisodeOrder>(EpisodeOrderOptions{
      .expectation = {.environment = environment_,
                      .policy = policy->header.name(),
                      .policy_version = policy->header.version(),
                      .action_mode = v1::ACTION_MODE_GREEDY},
      .purpose = v1::ROLLOUT_PURPOSE_STOP_RULE,
      .seed = EpisodeSeed(seed_, policy->header.version()),
      .episodes = rule_->episodes(),
      .on_episodes = nullptr,
  });
  accepted_before_ = context.trajectories().accepted();
  return context.Start(order_, policy, background);
}

absl::Status StopRule::Await(TrainingContext& context) {
  const std::shared_ptr<EpisodeOrder> order = std::exchange(order_, nullptr);
  if (absl::Status status = context.Await(*order); !status.ok()) return status;
  last_ = order->Summary();
  steps_ += last_.transitions;
  evaluated_version_ = order->expectation().policy_version;
  return absl::OkStatus();
}

absl::Status StopRule::Report(v1::StageProgress report, bool evaluated, TrainingContext& context) const {
  report.set_steps(report.steps() + steps_);
  if (evaluated) (*report.mutable_metrics())["evaluation_mean_return"] = last_.mean_return;
  return context.Report(report);
}

v1::StopRuleState StopRule::state() const {
  v1::StopRuleState state;
  state.set_evaluated_version(evaluated_version_);
  state.set_steps(steps_);
  v1::EpisodeSummary& last = *state.mutable_last();
  last.set_episodes(last_.episodes);
  last.set_transitions(last_.transitions);
  last.set_mean_return(last_.mean_return);
  last.set_std_return(last_.std_return);
  last.set_min_return(last_.min_return);
  last.set_max_return(last_.max_return);
  return state;
}

void StopRule::Restore(const v1::StopRuleState& state) {
  evaluated_version_ = state.evaluated_version();
  steps_ = state.steps();
  const v1::EpisodeSummary& last = state.last();
  last_ = {.episodes = last.episodes(),
           .transitions = last.transitions(),
           .mean_return = last.mean_return(),
           .std_return = last.std_return(),
           .min_return = last.min_return(),
           .max_return = last.max_return()};
}

}  // namespace understudy
