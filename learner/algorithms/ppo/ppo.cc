#include "learner/algorithms/ppo/ppo.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/policy/policy.h"
#include "learner/algorithms/minibatches.h"
#include "learner/algorithms/parameter_update.h"
#include "learner/algorithms/ppo/ppo_batch.h"
#include "learner/algorithms/ppo/ppo_loss.h"
#include "learner/algorithms/ppo/recent_returns.h"
#include "learner/algorithms/training_state.h"
#include "learner/backpropagation/backpropagation.h"
#include "learner/backpropagation/numerical_fault.h"
#include "learner/checkpoint.h"

namespace understudy {
namespace {

// The most steps that are shuffled before they have arrived: 16 MiB of numbers.
constexpr int64_t kMaxStepsAhead = int64_t{1} << 22;

// Sums of what the minibatches of an iteration reported.
struct UpdateStatistics {
  PpoLoss sum;
  double gradient_norm = 0;
  int64_t minibatches = 0;

  void Add(const PpoLoss& loss, double norm) {
    sum += loss;
    gradient_norm += norm;
    ++minibatches;
  }

  UpdateStatistics& operator+=(const UpdateStatistics& other) {
    sum += other.sum;
    gradient_norm += other.gradient_norm;
    minibatches += other.minibatches;
    return *this;
  }
};

class PpoTrainer {
 public:
  PpoTrainer(const TrainingInput& input, TrainingContext& context, Policy policy,
             std::unique_ptr<Backpropagation> backpropagation)
      : input_(input),
        options_(input.stage.ppo()),
        context_(context),
        state_(input, "iteration", std::move(policy), std::move(backpropagation), {}, options_.max_gradient_norm(),
               context.group()),
        slots_(state_.group.ShareOf(options_.slots())),
        returns_(options_.slots()) {}

  // Continues from a checkpoint. Call it before Run, or never.
  absl::Status Restore(const v1::Checkpoint& checkpoint);
  absl::StatusOr<TrainingOutput> Run();

 private:
  absl::Status Iterate();
  // Orders the steps of the next iteration, if there is to be one. Actors act with `policy`.
  absl::Status StartNextRollOut(std::shared_ptr<const PolicySnapshot> policy);
  // Waits for the steps of this iteration.
  absl::StatusOr<std::vector<v1::TrajectoryBatch>> TakeSegments();
  // Returns the order in which an epoch of this iteration visits the steps.
  std::vector<uint32_t> ShuffleSteps(int64_t epoch) const;
  // Shuffles for the first epochs, while actors still collect the steps.
  void ShuffleAhead();
  absl::Status Learn(const std::vector<v1::TrajectoryBatch>& segments);
  absl::Status CheckBatch(const PpoBatch& batch) const;
  absl::Status Update(const PpoBatch& batch);
  // Passes over the batch once. Returns the mean approximate KL divergence.
  absl::StatusOr<double> UpdateEpoch(const PpoBatch& batch, int64_t epoch, const PpoLossOptions& options);
  // Takes one step of Adam. The loss is the mean over the `size` steps of the minibatch at all ranks together.
  absl::Status UpdateMinibatch(size_t size, const PpoLossOptions& options);
  absl::Status FinishIteration();
  v1::StageProgress Progress() const;
  // Returns the stage's result if this iteration was the last.
  TrainingOutput Output() const;
  absl::Status SaveCheckpoint();
  // Gathers the states of all ranks' slots.
  absl::StatusOr<v1::PpoState> GatherSlots();
  absl::Status Fault(const absl::Status& fault) const { return Diverged("ppo", "iteration", state_.iteration, fault); }

  int64_t steps_per_iteration() const { return int64_t{options_.slots()} * options_.steps_per_slot(); }
  int64_t iterations() const { return options_.environment_steps() / steps_per_iteration(); }
  int64_t environment_steps() const { return state_.iteration * steps_per_iteration(); }
  // Returns the factor of a schedule in this iteration: 1 in the first, almost 0 at the end of the budget.
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
  const Share slots_;  // this rank's
  RecentReturns returns_;
  std::shared_ptr<const PolicySnapshot> snapshot_;  // of the current parameters
  // The order of the next iteration's steps, the policy that actors act with, and the states of this rank's slots.
  std::shared_ptr<SegmentOrder> rollout_;
  std::shared_ptr<const PolicySnapshot> behaviour_;
  std::vector<v1::SlotState> slot_states_;

  // Only for the current iteration.
  std::vector<std::vector<uint32_t>> shuffles_;  // of the steps, for each of the first epochs
  PpoMinibatch minibatch_;
  std::vector<PpoLoss> block_losses_;
  UpdateStatistics statistics_;
  v1::RankReport report_;
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
  const bool lags = options_.max_policy_lag() > 0 && state_.iteration < iterations();
  if (ppo.behaviour_parameters().empty() == lags) {
    return CheckpointDoesNotFit("ppo.behaviour_parameters", lags ? "none" : "some", lags ? "some" : "none");
  }
  slot_states_.assign(ppo.slots().begin() + slots_.begin, ppo.slots().begin() + slots_.end);
  returns_.Restore(ppo);
  if (lags) {
    v1::PolicyHeader header = state_.policy.header();
    header.set_name(input_.stage.policy());
    header.set_version(state_.iteration);
    behaviour_ = MakeSnapshot(std::move(header), ppo.behaviour_parameters());
  }
  return absl::OkStatus();
}

absl::StatusOr<TrainingOutput> PpoTrainer::Run() {
  snapshot_ = state_.policy.Snapshot(input_.stage.policy(), state_.iteration + 1);
  absl::Status status = StartNextRollOut(behaviour_ != nullptr ? behaviour_ : snapshot_);
  while (status.ok() && state_.iteration < iterations() && !state_.ended()) status = Iterate();
  if (rollout_ != nullptr) context_.Drop(*rollout_);
  return state_.Conclude(status, Output(), context_);
}

absl::Status PpoTrainer::Iterate() {
  ++state_.iteration;
  ShuffleAhead();
  const absl::StatusOr<std::vector<v1::TrajectoryBatch>> segments = TakeSegments();
  if (!segments.ok()) return During("iteration", state_.iteration, segments.status());
  const bool lags = options_.max_policy_lag() > 0;
  absl::Status status = lags ? StartNextRollOut(snapshot_) : absl::OkStatus();
  if (status.ok()) status = Learn(*segments);
  if (!status.ok()) return status;
  snapshot_ = state_.policy.Snapshot(input_.stage.policy(), state_.iteration + 1);
  if (!lags) status = StartNextRollOut(snapshot_);
  return status.ok() ? FinishIteration() : status;
}

absl::Status PpoTrainer::FinishIteration() {
  const auto reports = state_.Exchange(std::exchange(report_, {}), *snapshot_, context_);
  if (!reports.ok()) return reports.status();
  for (const v1::RankReport& report : *reports) {
    for (const double finished : report.finished_returns()) returns_.AddFinished(finished);
  }
  const absl::StatusOr<bool> checkpoint = state_.EndIteration(Progress(), Output(), context_);
  if (!checkpoint.ok()) return checkpoint.status();
  return *checkpoint ? SaveCheckpoint() : absl::OkStatus();
}

TrainingOutput PpoTrainer::Output() const {
  TrainingOutput output{.policy = snapshot_, .result = {}};
  output.result.set_environment_steps(environment_steps());
  output.result.set_requested_steps(options_.environment_steps());
  output.result.set_updates(state_.updates);
  output.result.set_iterations(state_.iteration);
  return output;
}

absl::Status PpoTrainer::SaveCheckpoint() {
  auto slots = GatherSlots();
  if (!slots.ok()) return slots.status();
  if (state_.group.rank() > 0) return context_.SaveCheckpoint({});
  v1::Checkpoint checkpoint = state_.Capture();
  v1::PpoState& ppo = *checkpoint.mutable_ppo();
  ppo = *std::move(slots);
  returns_.SaveFinished(ppo);
  if (rollout_ != nullptr && behaviour_ != snapshot_) ppo.set_behaviour_parameters(behaviour_->parameters);
  return context_.SaveCheckpoint(std::move(checkpoint));
}

absl::StatusOr<v1::PpoState> PpoTrainer::GatherSlots() {
  v1::PpoState mine;
  mine.mutable_slots()->Assign(slot_states_.begin(), slot_states_.end());
  returns_.SaveRunning(slots_, mine);
  // A single rank gathers nothing, because its states may be larger than a group can gather. If they are too large to
  // be stored, training goes on without checkpoints.
  if (state_.group.size() == 1) return mine;
  const auto gathered = state_.group.Gather(mine.SerializeAsString());
  if (!gathered.ok()) return gathered.status();
  v1::PpoState all;
  // Merging appends repeated fields, so the slots come in the order of the ranks.
  for (const std::string& theirs : *gathered) {
    if (!all.MergeFromString(theirs)) return absl::InternalError("a rank sent no PpoState");
  }
  if (all.slots_size() == options_.slots()) return all;
  return absl::InternalError(
      absl::StrCat("the ranks have ", all.slots_size(), " slots together, expected ", options_.slots()));
}

absl::Status PpoTrainer::Learn(const std::vector<v1::TrajectoryBatch>& segments) {
  for (const v1::TrajectoryBatch& segment : segments) {
    for (const double finished : returns_.Add(segment, input_.environment)) report_.add_finished_returns(finished);
  }
  PpoBatch batch =
      MakePpoBatch(segments, input_.environment, state_.policy,
                   {.gamma = options_.gamma(), .lambda = options_.gae_lambda()}, state_.update.backpropagation());
  const absl::Status fault = CheckBatch(batch);
  // A fault at one rank must end training at all ranks.
  if (!fault.ok()) batch.advantages.front() = std::numeric_limits<float>::quiet_NaN();
  const int64_t length = options_.steps_per_slot();
  const absl::Status shared = ShareAdvantages({.begin = slots_.begin * length, .end = slots_.end * length},
                                              steps_per_iteration(), state_.group, batch);
  if (!fault.ok()) return Fault(fault);
  if (!shared.ok()) return shared;
  if (absl::Status theirs = CheckFinite("advantages", batch.advantages); !theirs.ok()) return Fault(theirs);
  explained_variance_ = ExplainedVariance(batch);
  return Update(batch);
}

// Checks what was computed here. Observations, rewards and log-probabilities were checked when they arrived.
absl::Status PpoTrainer::CheckBatch(const PpoBatch& batch) const {
  absl::Status status = CheckFinite("values", batch.values);
  status.Update(CheckFinite("advantages", batch.advantages));
  status.Update(CheckFinite("returns", batch.returns));
  return status;
}

absl::Status PpoTrainer::StartNextRollOut(std::shared_ptr<const PolicySnapshot> policy) {
  if (state_.iteration >= iterations()) return absl::OkStatus();
  behaviour_ = std::move(policy);
  rollout_ = std::make_shared<SegmentOrder>(SegmentOrderOptions{
      .expectation = {.environment = input_.environment,
                      .policy = input_.stage.policy(),
                      .policy_version = behaviour_->header.version(),
                      .action_mode = v1::ACTION_MODE_SAMPLE},
      .seed = input_.stage.seed(),
      .slots = slots_.size(),
      .steps = options_.steps_per_slot(),
      .first_slot = slots_.begin,
      .states = slot_states_,
  });
  return context_.Start(rollout_, behaviour_, /*background=*/false);
}

absl::StatusOr<std::vector<v1::TrajectoryBatch>> PpoTrainer::TakeSegments() {
  const std::shared_ptr<SegmentOrder> rollout = std::exchange(rollout_, nullptr);
  if (absl::Status status = context_.Await(*rollout); !status.ok()) return status;
  slot_states_ = rollout->TakeStates();
  return rollout->TakeBatches();
}

std::vector<uint32_t> PpoTrainer::ShuffleSteps(int64_t epoch) const {
  return RandomOrder(static_cast<uint32_t>(steps_per_iteration()),
                     RandomStream(input_.stage.seed(), RandomPurpose::kMinibatchShuffle, state_.iteration, epoch));
}

void PpoTrainer::ShuffleAhead() {
  shuffles_.clear();
  const int64_t epochs = std::min<int64_t>(options_.epochs(), kMaxStepsAhead / steps_per_iteration());
  for (int64_t epoch = 0; epoch < epochs; ++epoch) shuffles_.push_back(ShuffleSteps(epoch));
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
  const UpdateStatistics before = std::exchange(statistics_, {});
  const auto index = static_cast<size_t>(epoch);
  const std::vector<uint32_t> order = index < shuffles_.size() ? std::move(shuffles_[index]) : ShuffleSteps(epoch);
  for (const std::span<const uint32_t> steps : Minibatches(order, options_.minibatch_size())) {
    if (absl::Status status = context_.CheckCancelled(); !status.ok()) return status;
    minibatch_.Gather(batch, steps, options_.normalize_advantages());
    if (absl::Status status = UpdateMinibatch(steps.size(), options); !status.ok()) return status;
  }
  PpoLoss& sum = statistics_.sum;
  std::array<double, 5> sums = {sum.policy_loss, sum.value_loss, sum.entropy, sum.approximate_kl, sum.clip_fraction};
  if (absl::Status status = state_.group.Sum(sums); !status.ok()) return status;
  sum = {sums[0], sums[1], sums[2], sums[3], sums[4]};
  const double kl = sum.approximate_kl / static_cast<double>(statistics_.minibatches);
  statistics_ += before;
  return kl;
}

absl::Status PpoTrainer::UpdateMinibatch(size_t size, const PpoLossOptions& options) {
  const PpoSamples samples = minibatch_.samples();
  block_losses_.assign(samples.actions.size() / kBlockRows + 1, {});
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

v1::StageProgress PpoTrainer::Progress() const {
  v1::StageProgress progress;
  progress.set_iteration(state_.iteration);
  progress.set_done(environment_steps());
  progress.set_total(iterations() * steps_per_iteration());
  progress.set_unit("steps");
  progress.set_steps(environment_steps());
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
  progress.mutable_metrics()->insert(metrics.begin(), metrics.end());
  return progress;
}

}  // namespace

absl::StatusOr<TrainingOutput> TrainPpo(const TrainingInput& input, TrainingContext& context) {
  const v1::PpoOptions& options = input.stage.ppo();
  const int64_t least = int64_t{options.slots()} * options.steps_per_slot();
  // Experiments that were stored by an earlier build may ask for less.
  if (options.environment_steps() < least) {
    return absl::InvalidArgumentError(absl::StrCat("environment_steps: found ", options.environment_steps(),
                                                   ", expected at least ", least, ", the steps of an iteration"));
  }
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
