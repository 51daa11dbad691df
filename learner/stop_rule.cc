#include "learner/stop_rule.h"

#include <utility>

#include "common/random/random_stream.h"

namespace understudy {
namespace {

uint64_t EpisodeSeed(uint64_t stage_seed, int64_t version) {
  RandomStream random(stage_seed, RandomPurpose::kStopRuleEpisodes, version, 0);
  const uint64_t high = random();
  return high << 32 | random();
}

}  // namespace

StopRule::StopRule(const v1::TrainStage& stage, const v1::EnvironmentSpec& environment)
    : environment_(environment), seed_(stage.seed()) {
  if (stage.has_stop()) rule_ = stage.stop();
}

absl::Status StopRule::Evaluate(std::shared_ptr<const PolicySnapshot> policy, TrainingContext& context) {
  const int64_t version = policy->header.version();
  if (!rule_.has_value() || version == evaluated_version_) return absl::OkStatus();
  EpisodeOrderOptions options{
      .expectation = {.environment = environment_,
                      .policy = policy->header.name(),
                      .policy_version = version,
                      .action_mode = v1::ACTION_MODE_GREEDY},
      .seed = EpisodeSeed(seed_, version),
      .episodes = rule_->episodes(),
      .on_episodes = nullptr,
  };
  auto order = std::make_shared<EpisodeOrder>(std::move(options));
  if (absl::Status status = context.RollOut(order, std::move(policy)); !status.ok()) return status;
  last_ = order->Summary();
  steps_ += last_.transitions;
  evaluated_version_ = version;
  return absl::OkStatus();
}

void StopRule::FillIn(v1::TrainResult& result) const {
  result.set_converged(reached());
  result.set_mean_return(last_.mean_return);
  result.set_evaluation_episodes(last_.episodes);
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
