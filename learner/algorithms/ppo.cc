#include "learner/algorithms/ppo.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/policy/policy.h"
#include "learner/algorithms/parameter_update.h"
#include "learner/algorithms/ppo_batch.h"
#include "learner/algorithms/ppo_loss.h"
#include "learner/algorithms/recent_returns.h"
#include "learner/algorithms/shuffle.h"
#include "learner/algorithms/starting_policy.h"
#include "learner/algorithms/training_state.h"
#include "learner/backpropagation/make_backpropagation.h"
#include "learner/backpropagation/numerical_fault.h"
#include "learner/checkpoint.h"

namespace understudy {
namespace {

// What the minibatches of an iteration reported, summed.
struct UpdateStatistics {
  PpoLoss sum;
  double gradient_norm = 0;
  int64_t minibatches = 0;

  void Add(const PpoLoss& loss, double norm) {
    sum += loss;
    gradient_norm += norm;
    ++minibatches;
  }
};

class PpoTrainer {
 public:
  PpoTrainer(const TrainingInput& input, TrainingContext& context, Policy policy,
             std::unique_ptr<Backpropagation> backpropagation)
      : input_(input),
        options_(input.stage.ppo()),
        context_(context),
        state_(input, std::move(policy), std::move(backpropagation), {}, options_.max_gradient_norm()),
        returns_(options_.slots()) {}

  // To be called first, if at all.
  absl::Status Restore(const v1::Checkpoint& checkpoint);
  absl::StatusOr<TrainingOutput> Run();

 private:
  absl::Status Iterate();
  absl::Status Learn(const std::vector<v1::TrajectoryBatch>& segments);
  absl::StatusOr<std::vector<v1::TrajectoryBatch>> RollOutSegments();
  absl::Status CheckBatch(const PpoBatch& batch) const;
  absl::Status Update(const PpoBatch& batch);
  // One pass over the batch. Returns its mean approximate KL.
  absl::StatusOr<double> UpdateEpoch(const PpoBatch& batch, int64_t epoch, const PpoLossOptions& options);
  absl::Status UpdateMinibatch(const PpoLossOptions& options);
  absl::Status Report(bool evaluated);
  absl::Status OfferCheckpoint();
  absl::Status Fault(const absl::Status& fault) const { return Diverged("ppo", "iteration", state_.iteration, fault); }

  int64_t steps_per_iteration() const { return int64_t{options_.slots()} * options_.steps_per_slot(); }
  int64_t iterations() const { return std::max<int64_t>(1, options_.environment_steps() / steps_per_iteration()); }
  int64_t environment_steps() const { return state_.iteration * steps_per_iteration(); }
  // What a schedule leaves of its value in this iteration: from 1 in the first to almost 0 at the end of the budget.
  double Scheduled(const std::string& schedule) const {
    if (schedule == "constant") return 1;
    const double used = static_cast<double>((state_.iteration - 1) * steps_per_iteration());
    return std::max(0.0, 1 - used / static_cast<double>(options_.environment_steps()));
  }
  double learning_rate() const { return options_.learning_rate() * Scheduled(options_.learning_rate_schedule()); }

  const TrainingInput& input_;
  const v1::PpoOptions& options_;
  TrainingContext& context_;

  TrainingState state_;
  RecentReturns returns_;
  std::shared_ptr<const PolicySnapshot> snapshot_;  // of the current parameters
  std::vector<v1::SlotState> slot_states_;

  // Of the current iteration.
  PpoMinibatch minibatch_;
  std::vector<PpoLoss> block_losses_;
  UpdateStatistics statistics_;
  double explained_variance_ = 0;
};

absl::Status PpoTrainer::Restore(const v1::Checkpoint& checkpoint) {
  if (!checkpoint.has_ppo()) return CheckpointDoesNotFit("algorithm", "the state of another", "that of ppo");
  const v1::PpoState& ppo = checkpoint.ppo();
  if (ppo.slots_size() != options_.slots()) {
    return CheckpointDoesNotFit("ppo.slots", absl::StrCat(ppo.slots_size()), absl::StrCat(options_.slots()));
  }
  if (absl::Status status = state_.Restore(checkpoint, iterations()); !status.ok()) return status;
  const int64_t steps = state_.iteration * options_.steps_per_slot();
  if (ppo.slots(0).steps() != steps) {
    return CheckpointDoesNotFit("ppo.slots 0 steps", absl::StrCat(ppo.slots(0).steps()), absl::StrCat(steps));
  }
  slot_states_.assign(ppo.slots().begin(), ppo.slots().end());
  returns_.Restore(ppo);
  return absl::OkStatus();
}

absl::StatusOr<TrainingOutput> PpoTrainer::Run() {
  snapshot_ = state_.policy.Snapshot(input_.stage.policy(), state_.iteration + 1);
  while (state_.iteration < iterations() && !state_.stop_rule.reached()) {
    if (absl::Status status = Iterate(); !status.ok()) return status;
  }
  absl::Status evaluated = state_.stop_rule.Evaluate(snapshot_, context_);
  if (!evaluated.ok()) return During("iteration", state_.iteration, evaluated);

  TrainingOutput output{.policy = snapshot_, .result = {}};
  state_.stop_rule.FillIn(output.result);
  output.result.set_environment_steps(environment_steps());
  output.result.set_updates(state_.updates);
  output.result.set_iterations(state_.iteration);
  return output;
}

absl::Status PpoTrainer::Iterate() {
  ++state_.iteration;
  absl::StatusOr<std::vector<v1::TrajectoryBatch>> segments = RollOutSegments();
  if (!segments.ok()) return During("iteration", state_.iteration, segments.status());
  if (absl::Status status = Learn(*segments); !status.ok()) return status;

  snapshot_ = state_.policy.Snapshot(input_.stage.policy(), state_.iteration + 1);
  const bool evaluate = state_.stop_rule.DueAfter(state_.iteration);
  if (evaluate) {
    absl::Status status = state_.stop_rule.Evaluate(snapshot_, context_);
    if (!status.ok()) return During("iteration", state_.iteration, status);
  }
  if (absl::Status status = Report(evaluate); !status.ok()) return status;
  return OfferCheckpoint();
}

absl::Status PpoTrainer::OfferCheckpoint() {
  if (!context_.CheckpointDue()) return absl::OkStatus();
  v1::Checkpoint checkpoint = state_.Capture();
  checkpoint.mutable_ppo()->mutable_slots()->Assign(slot_states_.begin(), slot_states_.end());
  returns_.Save(*checkpoint.mutable_ppo());
  return context_.SaveCheckpoint(std::move(checkpoint));
}

absl::Status PpoTrainer::Learn(const std::vector<v1::TrajectoryBatch>& segments) {
  for (const v1::TrajectoryBatch& segment : segments) returns_.Add(segment, input_.environment);
  const PpoBatch batch = MakePpoBatch(segments, input_.environment, state_.policy,
                                      {.gamma = options_.gamma(), .lambda = options_.gae_lambda()});
  if (absl::Status status = CheckBatch(batch); !status.ok()) return Fault(status);
  explained_variance_ = ExplainedVariance(batch);
  return Update(batch);
}

// Observations, rewards and log-probabilities were checked when they came in.
absl::Status PpoTrainer::CheckBatch(const PpoBatch& batch) const {
  absl::Status status = CheckFinite("values", batch.values);
  status.Update(CheckFinite("advantages", batch.advantages));
  status.Update(CheckFinite("returns", batch.returns));
  return status;
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
  state_.updates += statistics_.minibatches;
  return absl::OkStatus();
}

absl::StatusOr<double> PpoTrainer::UpdateEpoch(const PpoBatch& batch, int64_t epoch, const PpoLossOptions& options) {
  const std::vector<uint32_t> order = RandomOrder(
      batch.steps(), RandomStream(input_.stage.seed(), RandomPurpose::kMinibatchShuffle, state_.iteration, epoch));
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
  const PpoSamples samples = minibatch_.samples();
  const size_t size = samples.actions.size();
  block_losses_.assign(size / kBlockRows + 1, {});
  const absl::StatusOr<double> norm = state_.update.Apply(
      minibatch_.observations(), /*with_values=*/true, learning_rate(),
      [&](size_t first_row, const NetworkOutput& output, const NetworkGradients& gradients) {
        PpoLoss& loss = block_losses_[first_row / kBlockRows];
        loss = ComputePpoLoss(output, samples.Part(first_row, output.values.size()), size, options, gradients);
        absl::Status status = CheckFinite("policy_loss", loss.policy_loss);
        status.Update(CheckFinite("value_loss", loss.value_loss));
        status.Update(CheckFinite("entropy", loss.entropy));
        return status;
      });
  if (!norm.ok()) return Fault(norm.status());
  PpoLoss mean;
  for (const PpoLoss& loss : block_losses_) mean += loss;
  statistics_.Add(mean, *norm);
  return absl::OkStatus();
}

absl::Status PpoTrainer::Report(bool evaluated) {
  v1::StageProgress progress;
  progress.set_iteration(state_.iteration);
  progress.set_done(environment_steps());
  progress.set_total(options_.environment_steps());
  progress.set_unit("steps");
  progress.set_steps(environment_steps() + state_.stop_rule.steps());
  std::map<std::string, double> metrics;
  const double count = static_cast<double>(statistics_.minibatches);
  metrics["policy_loss"] = statistics_.sum.policy_loss / count;
  metrics["value_loss"] = statistics_.sum.value_loss / count;
  metrics["entropy"] = statistics_.sum.entropy / count;
  metrics["approximate_kl"] = statistics_.sum.approximate_kl / count;
  metrics["clip_fraction"] = statistics_.sum.clip_fraction / count;
  metrics["gradient_norm"] = statistics_.gradient_norm / count;
  metrics["explained_variance"] = explained_variance_;
  metrics["learning_rate"] = learning_rate();
  metrics["environment_steps"] = static_cast<double>(environment_steps());
  metrics["seconds"] = state_.seconds();
  if (const std::optional<double> mean = returns_.Mean()) metrics["mean_return"] = *mean;
  if (evaluated) metrics["evaluation_mean_return"] = state_.stop_rule.last().mean_return;
  progress.mutable_metrics()->insert(metrics.begin(), metrics.end());
  return context_.Report(progress);
}

}  // namespace

absl::StatusOr<TrainingOutput> TrainPpo(const TrainingInput& input, TrainingContext& context) {
  absl::StatusOr<Policy> policy = StartingPolicy(input);
  if (!policy.ok()) return policy.status();
  auto backpropagation = MakeBackpropagation(policy->header(), input.stage.device(), input.stage.threads());
  if (!backpropagation.ok()) return backpropagation.status();
  PpoTrainer trainer(input, context, *std::move(policy), *std::move(backpropagation));
  if (input.checkpoint.has_value()) {
    if (absl::Status status = trainer.Restore(*input.checkpoint); !status.ok()) return status;
  }
  return trainer.Run();
}

}  // namespace understudy
