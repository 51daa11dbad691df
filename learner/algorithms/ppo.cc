#include "learner/algorithms/ppo.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/policy/policy.h"
#include "learner/algorithms/parameter_update.h"
#include "learner/algorithms/ppo_batch.h"
#include "learner/algorithms/ppo_loss.h"
#include "learner/algorithms/recent_returns.h"
#include "learner/algorithms/shuffle.h"
#include "learner/algorithms/starting_policy.h"
#include "learner/stop_rule.h"

namespace understudy {
namespace {

// What the minibatches of an iteration reported, summed.
struct UpdateStatistics {
  PpoLoss sum;
  double gradient_norm = 0;
  int64_t minibatches = 0;

  void Add(const PpoLoss& loss, double norm) {
    sum.policy_loss += loss.policy_loss;
    sum.value_loss += loss.value_loss;
    sum.entropy += loss.entropy;
    sum.approximate_kl += loss.approximate_kl;
    sum.clip_fraction += loss.clip_fraction;
    gradient_norm += norm;
    ++minibatches;
  }
};

class PpoTrainer {
 public:
  PpoTrainer(const TrainingInput& input, TrainingContext& context, Policy policy)
      : input_(input),
        options_(input.stage.ppo()),
        context_(context),
        policy_(std::move(policy)),
        update_(policy_, {}, options_.max_gradient_norm()),
        stop_rule_(input.stage, input.environment),
        returns_(options_.slots()) {}

  absl::StatusOr<TrainingOutput> Run();

 private:
  absl::Status Iterate();
  absl::StatusOr<std::vector<v1::TrajectoryBatch>> RollOutSegments();
  absl::Status Update(const PpoBatch& batch);
  // One pass over the batch. Returns its mean approximate KL.
  absl::StatusOr<double> UpdateEpoch(const PpoBatch& batch, int64_t epoch, const PpoLossOptions& options);
  absl::Status UpdateMinibatch(const PpoLossOptions& options);
  absl::Status Report(const PpoBatch& batch, bool evaluated);

  int64_t steps_per_iteration() const { return int64_t{options_.slots()} * options_.steps_per_slot(); }
  int64_t environment_steps() const { return iteration_ * steps_per_iteration(); }
  // What a schedule leaves of its value in this iteration: from 1 in the first to almost 0 at the end of the budget.
  double Scheduled(const std::string& schedule) const {
    if (schedule == "constant") return 1;
    const double used = static_cast<double>((iteration_ - 1) * steps_per_iteration());
    return std::max(0.0, 1 - used / static_cast<double>(options_.environment_steps()));
  }
  double learning_rate() const { return options_.learning_rate() * Scheduled(options_.learning_rate_schedule()); }

  const TrainingInput& input_;
  const v1::PpoOptions& options_;
  TrainingContext& context_;
  const absl::Time started_ = absl::Now();

  Policy policy_;
  ParameterUpdate update_;
  StopRule stop_rule_;
  RecentReturns returns_;
  std::shared_ptr<const PolicySnapshot> snapshot_;  // of the current parameters
  std::vector<v1::SlotState> slot_states_;
  int64_t iteration_ = 0;  // the current one: 1, 2, 3 …
  int64_t updates_ = 0;

  PpoMinibatch minibatch_;
  UpdateStatistics statistics_;  // of the current iteration
};

absl::StatusOr<TrainingOutput> PpoTrainer::Run() {
  snapshot_ = policy_.Snapshot(input_.stage.policy(), 1);
  const int64_t iterations = std::max<int64_t>(1, options_.environment_steps() / steps_per_iteration());
  while (iteration_ < iterations && !stop_rule_.reached()) {
    if (absl::Status status = Iterate(); !status.ok()) return status;
  }
  if (absl::Status status = stop_rule_.Evaluate(snapshot_, context_); !status.ok()) return status;

  TrainingOutput output{.policy = snapshot_, .result = {}};
  stop_rule_.FillIn(output.result);
  output.result.set_environment_steps(environment_steps());
  output.result.set_updates(updates_);
  output.result.set_iterations(iteration_);
  return output;
}

absl::Status PpoTrainer::Iterate() {
  ++iteration_;
  absl::StatusOr<std::vector<v1::TrajectoryBatch>> segments = RollOutSegments();
  if (!segments.ok()) return segments.status();
  for (const v1::TrajectoryBatch& segment : *segments) returns_.Add(segment, input_.environment);
  const PpoBatch batch = MakePpoBatch(*segments, input_.environment, policy_,
                                      {.gamma = options_.gamma(), .lambda = options_.gae_lambda()});
  if (absl::Status status = Update(batch); !status.ok()) return status;

  snapshot_ = policy_.Snapshot(input_.stage.policy(), iteration_ + 1);
  const bool evaluate = stop_rule_.DueAfter(iteration_);
  if (evaluate) {
    if (absl::Status status = stop_rule_.Evaluate(snapshot_, context_); !status.ok()) return status;
  }
  return Report(batch, evaluate);
}

absl::StatusOr<std::vector<v1::TrajectoryBatch>> PpoTrainer::RollOutSegments() {
  auto order = std::make_shared<SegmentOrder>(SegmentOrderOptions{
      .expectation = {.environment = input_.environment,
                      .policy = input_.stage.policy(),
                      .policy_version = snapshot_->header.version(),
                      .action_mode = v1::ACTION_MODE_SAMPLE},
      .seed = input_.stage.seed(),
      .slots = options_.slots(),
      .steps = options_.steps_per_slot(),
      .states = std::move(slot_states_),
  });
  if (absl::Status status = context_.RollOut(order, snapshot_); !status.ok()) return status;
  slot_states_ = order->TakeStates();
  return order->TakeBatches();
}

absl::Status PpoTrainer::Update(const PpoBatch& batch) {
  const PpoLossOptions options{.clip = options_.clip() * Scheduled(options_.clip_schedule()),
                               .value_clip = options_.value_clip(),
                               .value_coefficient = options_.value_coefficient(),
                               .entropy_coefficient = options_.entropy_coefficient()};
  statistics_ = {};
  for (int64_t epoch = 0; epoch < options_.epochs(); ++epoch) {
    const absl::StatusOr<double> kl = UpdateEpoch(batch, epoch, options);
    if (!kl.ok()) return kl.status();
    if (options_.target_kl() > 0 && *kl > 1.5 * options_.target_kl()) break;
  }
  updates_ += statistics_.minibatches;
  return absl::OkStatus();
}

absl::StatusOr<double> PpoTrainer::UpdateEpoch(const PpoBatch& batch, int64_t epoch, const PpoLossOptions& options) {
  const std::vector<uint32_t> order = RandomOrder(
      batch.steps(), RandomStream(input_.stage.seed(), RandomPurpose::kMinibatchShuffle, iteration_, epoch));
  const UpdateStatistics before = statistics_;
  for (const std::span<const uint32_t> steps : Minibatches(order, options_.minibatch_size())) {
    if (absl::Status status = context_.CheckCancelled(); !status.ok()) return status;
    minibatch_.Gather(batch, steps, options_.normalize_advantages());
    if (absl::Status status = UpdateMinibatch(options); !status.ok()) return status;
  }
  return (statistics_.sum.approximate_kl - before.sum.approximate_kl) /
         static_cast<double>(statistics_.minibatches - before.minibatches);
}

absl::Status PpoTrainer::UpdateMinibatch(const PpoLossOptions& options) {
  PpoLoss loss;
  const double norm = update_.Apply(minibatch_.observations(), /*with_values=*/true, learning_rate(),
                                    [&](const NetworkOutput& output, const NetworkGradients& gradients) {
                                      loss = ComputePpoLoss(output.logits, output.values, minibatch_.samples(), options,
                                                            gradients.logits, gradients.values);
                                    });
  const std::pair<const char*, double> quantities[] = {{"policy_loss", loss.policy_loss},
                                                       {"value_loss", loss.value_loss},
                                                       {"entropy", loss.entropy},
                                                       {"gradient_norm", norm}};
  for (const auto& [name, value] : quantities) {
    if (std::isfinite(value)) continue;
    return absl::InternalError(absl::StrCat("ppo: ", name, " is ", value, " in iteration ", iteration_,
                                            ": training has diverged; a smaller learning_rate may help"));
  }
  statistics_.Add(loss, norm);
  return absl::OkStatus();
}

absl::Status PpoTrainer::Report(const PpoBatch& batch, bool evaluated) {
  v1::StageProgress progress;
  progress.set_iteration(iteration_);
  progress.set_done(environment_steps());
  progress.set_total(options_.environment_steps());
  progress.set_unit("steps");
  progress.set_steps(environment_steps() + stop_rule_.steps());
  std::map<std::string, double> metrics;
  const double count = static_cast<double>(statistics_.minibatches);
  metrics["policy_loss"] = statistics_.sum.policy_loss / count;
  metrics["value_loss"] = statistics_.sum.value_loss / count;
  metrics["entropy"] = statistics_.sum.entropy / count;
  metrics["approximate_kl"] = statistics_.sum.approximate_kl / count;
  metrics["clip_fraction"] = statistics_.sum.clip_fraction / count;
  metrics["gradient_norm"] = statistics_.gradient_norm / count;
  metrics["explained_variance"] = ExplainedVariance(batch);
  metrics["learning_rate"] = learning_rate();
  metrics["environment_steps"] = static_cast<double>(environment_steps());
  metrics["seconds"] = absl::ToDoubleSeconds(absl::Now() - started_);
  if (const std::optional<double> mean = returns_.Mean()) metrics["mean_return"] = *mean;
  if (evaluated) metrics["evaluation_mean_return"] = stop_rule_.last().mean_return;
  progress.mutable_metrics()->insert(metrics.begin(), metrics.end());
  return context_.Report(progress);
}

}  // namespace

absl::StatusOr<TrainingOutput> TrainPpo(const TrainingInput& input, TrainingContext& context) {
  absl::StatusOr<Policy> policy = StartingPolicy(input);
  if (!policy.ok()) return policy.status();
  return PpoTrainer(input, context, *std::move(policy)).Run();
}

}  // namespace understudy
