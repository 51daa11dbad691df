#include "learner/algorithms/bc/bc.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "common/policy/policy.h"
#include "learner/algorithms/bc/bc_dataset.h"
#include "learner/algorithms/bc/bc_loss.h"
#include "learner/algorithms/minibatches.h"
#include "learner/algorithms/training_state.h"
#include "learner/backpropagation/backpropagation.h"
#include "learner/backpropagation/numerical_fault.h"
#include "learner/checkpoint.h"

namespace understudy {
namespace {

constexpr size_t kMaxValidationMinibatch = 4096;  // bounds the memory of validation

// The policy after an epoch, with its losses.
struct Epoch {
  std::shared_ptr<const PolicySnapshot> snapshot;
  BcLoss training;
  std::optional<BcLoss> validation;
};

// Writes all of an epoch except its parameters.
v1::BcEpoch Save(const Epoch& epoch) {
  v1::BcEpoch saved;
  saved.set_epoch(epoch.snapshot->header.version());
  saved.set_train_loss(epoch.training.loss);
  saved.set_train_accuracy(epoch.training.accuracy);
  if (epoch.validation.has_value()) {
    saved.set_validation_loss(epoch.validation->loss);
    saved.set_validation_accuracy(epoch.validation->accuracy);
  }
  return saved;
}

// Reads an epoch. `header` is that of the policy that is trained, and `parameters` are the epoch's.
Epoch Restored(const v1::BcEpoch& saved, v1::PolicyHeader header, const std::string& parameters) {
  header.set_version(saved.epoch());
  Epoch epoch{.snapshot = MakeSnapshot(std::move(header), parameters),
              .training = {.loss = saved.train_loss(), .accuracy = saved.train_accuracy()},
              .validation = std::nullopt};
  if (saved.has_validation_loss()) {
    epoch.validation = {.loss = saved.validation_loss(), .accuracy = saved.validation_accuracy()};
  }
  return epoch;
}

class BcTrainer {
 public:
  BcTrainer(const TrainingInput& input, TrainingContext& context, Policy policy,
            std::unique_ptr<Backpropagation> backpropagation, BcDataset dataset)
      : input_(input),
        options_(input.stage.bc()),
        context_(context),
        distillation_(options_.loss() == "distillation"),
        dataset_(std::move(dataset)),
        state_(input, "epoch", std::move(policy), std::move(backpropagation), {.weight_decay = options_.weight_decay()},
               options_.max_gradient_norm(), context.group()) {}

  // Continues from a checkpoint. Call it before Run, or never.
  absl::Status Restore(const v1::Checkpoint& checkpoint);
  absl::StatusOr<TrainingOutput> Run();

 private:
  absl::Status RunEpoch();
  // Passes over the training steps once. Returns what this rank's share contributes to the mean loss.
  absl::StatusOr<BcLoss> Train();
  // Takes one step of AdamW. The loss is the mean over the `size` steps of the minibatch at all ranks together.
  absl::StatusOr<BcLoss> UpdateMinibatch(size_t size);
  // Returns what this rank's share contributes to the mean loss of the held-out steps.
  absl::StatusOr<BcLoss> Validate();
  // Returns this rank's share of a minibatch.
  std::span<const uint32_t> OwnPart(std::span<const uint32_t> steps) const {
    const Share own = state_.group.ShareOf(static_cast<int64_t>(steps.size()));
    return steps.subspan(static_cast<size_t>(own.begin), static_cast<size_t>(own.size()));
  }
  BcLoss LossOf(const NetworkOutput& output, const BcSamples& samples, size_t minibatch_size,
                const NetworkGradients& gradients) const {
    return distillation_ ? Distillation(output, samples, minibatch_size, options_.value_coefficient(), gradients)
                         : CrossEntropy(output, samples, minibatch_size, gradients);
  }
  absl::Status FinishEpoch();
  v1::StageProgress Progress() const;
  // Returns the stage's result if training ends with this epoch's policy.
  TrainingOutput OutputOf(const Epoch& epoch) const;
  absl::Status SaveCheckpoint();
  absl::Status Fault(const absl::Status& fault) const { return Diverged("bc", "epoch", state_.iteration, fault); }

  bool restores_best() const { return options_.patience() > 0 && dataset_.validation.steps() > 0; }
  // A stop rule outranks patience: a low validation loss is not the return that was asked for.
  bool out_of_patience() const {
    return !input_.stage.has_stop() && best_.snapshot != nullptr &&
           state_.iteration - best_.snapshot->header.version() >= options_.patience();
  }

  const TrainingInput& input_;
  const v1::BcOptions& options_;
  TrainingContext& context_;
  const bool distillation_;

  BcDataset dataset_;
  TrainingState state_;  // its iterations are epochs
  BcData minibatch_;
  std::vector<BcLoss> block_losses_;
  Epoch last_;
  Epoch best_;  // the one with the best validation loss; empty if that decides nothing
};

absl::Status BcTrainer::Restore(const v1::Checkpoint& checkpoint) {
  if (!checkpoint.has_bc()) return CheckpointDoesNotFit("algorithm", "the state of another", "that of bc");
  const v1::BcState& bc = checkpoint.bc();
  const auto presence = [](bool present) { return present ? "one" : "none"; };
  const bool validates = dataset_.validation.steps() > 0;
  if (bc.last().has_validation_loss() != validates) {
    return CheckpointDoesNotFit("bc.last.validation_loss", presence(!validates), presence(validates));
  }
  if (bc.has_best() != restores_best()) {
    return CheckpointDoesNotFit("bc.best", presence(bc.has_best()), presence(restores_best()));
  }
  if (absl::Status status = state_.Restore(checkpoint, options_.epochs()); !status.ok()) return status;
  v1::PolicyHeader header = state_.policy.header();
  header.set_name(input_.stage.policy());
  last_ = Restored(bc.last(), header, checkpoint.parameters());
  if (!bc.has_best()) return absl::OkStatus();
  const bool is_last = bc.best().epoch() == bc.last().epoch();
  best_ = is_last ? last_ : Restored(bc.best(), header, bc.best().parameters());
  return absl::OkStatus();
}

absl::StatusOr<TrainingOutput> BcTrainer::Run() {
  absl::Status status;
  while (status.ok() && state_.iteration < options_.epochs() && !state_.ended() && !out_of_patience()) {
    status = RunEpoch();
  }
  return state_.Conclude(status, OutputOf(restores_best() && best_.snapshot != nullptr ? best_ : last_), context_);
}

TrainingOutput BcTrainer::OutputOf(const Epoch& epoch) const {
  TrainingOutput output{.policy = epoch.snapshot, .result = {}};
  output.result.set_environment_steps(dataset_.training.steps());
  output.result.set_updates(state_.updates);
  output.result.set_iterations(state_.iteration);
  output.result.set_train_loss(epoch.training.loss);
  output.result.set_train_accuracy(epoch.training.accuracy);
  if (epoch.validation.has_value()) {
    output.result.set_validation_loss(epoch.validation->loss);
    output.result.set_validation_accuracy(epoch.validation->accuracy);
  }
  return output;
}

absl::Status BcTrainer::RunEpoch() {
  ++state_.iteration;
  const absl::StatusOr<BcLoss> training = Train();
  if (!training.ok()) return training.status();
  const absl::StatusOr<BcLoss> validation = Validate();
  std::array<double, 4> losses = {training->loss, training->accuracy};
  // A fault at one rank must end training at all ranks.
  losses[2] = validation.ok() ? validation->loss : std::numeric_limits<double>::quiet_NaN();
  losses[3] = validation.ok() ? validation->accuracy : 0;
  const absl::Status summed = state_.group.Sum(losses);
  if (!validation.ok()) return Fault(validation.status());
  if (!summed.ok()) return summed;
  if (absl::Status theirs = CheckFinite("validation_loss", losses[2]); !theirs.ok()) return Fault(theirs);
  last_ = {.snapshot = state_.policy.Snapshot(input_.stage.policy(), state_.iteration),
           .training = {.loss = losses[0], .accuracy = losses[1]},
           .validation = std::nullopt};
  if (dataset_.validation.steps() > 0) last_.validation = {.loss = losses[2], .accuracy = losses[3]};
  if (restores_best() && (best_.snapshot == nullptr || last_.validation->loss < best_.validation->loss)) best_ = last_;
  return FinishEpoch();
}

absl::Status BcTrainer::FinishEpoch() {
  const auto reports = state_.Exchange({}, *last_.snapshot, context_);
  if (!reports.ok()) return reports.status();
  const absl::StatusOr<bool> checkpoint = state_.EndIteration(Progress(), OutputOf(last_), context_);
  if (!checkpoint.ok()) return checkpoint.status();
  return *checkpoint ? SaveCheckpoint() : absl::OkStatus();
}

absl::Status BcTrainer::SaveCheckpoint() {
  if (state_.group.rank() > 0) return context_.SaveCheckpoint({});
  v1::Checkpoint checkpoint = state_.Capture();
  v1::BcState& bc = *checkpoint.mutable_bc();
  *bc.mutable_last() = Save(last_);
  if (best_.snapshot != nullptr) {
    *bc.mutable_best() = Save(best_);
    if (bc.best().epoch() != bc.last().epoch()) bc.mutable_best()->set_parameters(best_.snapshot->parameters);
  }
  return context_.SaveCheckpoint(std::move(checkpoint));
}

absl::StatusOr<BcLoss> BcTrainer::Train() {
  const std::vector<uint32_t> order =
      RandomOrder(dataset_.training.steps(),
                  RandomStream(input_.stage.seed(), RandomPurpose::kMinibatchShuffle, /*stream=*/0, state_.iteration));
  BcLoss mean;
  for (const std::span<const uint32_t> steps : Minibatches(order, options_.minibatch_size())) {
    if (absl::Status status = context_.CheckCancelled(); !status.ok()) return status;
    GatherSteps(dataset_.training, OwnPart(steps), minibatch_);
    const absl::StatusOr<BcLoss> loss = UpdateMinibatch(steps.size());
    if (!loss.ok()) return Fault(loss.status());
    const double share = static_cast<double>(steps.size()) / static_cast<double>(order.size());
    mean.loss += share * loss->loss;
    mean.accuracy += share * loss->accuracy;
    ++state_.updates;
  }
  return mean;
}

absl::StatusOr<BcLoss> BcTrainer::UpdateMinibatch(size_t size) {
  const BcSamples samples = minibatch_.samples();
  const size_t actions = state_.policy.actions();
  block_losses_.assign(samples.actions.size() / kBlockRows + 1, {});
  const absl::StatusOr<double> norm = state_.update.Apply(
      minibatch_.observations, distillation_, options_.learning_rate(),
      [&](size_t first_row, const NetworkOutput& output, const NetworkGradients& gradients) {
        BcLoss& loss = block_losses_[first_row / kBlockRows];
        loss = LossOf(output, samples.Part(first_row, output.logits.size() / actions), size, gradients);
        return CheckFinite("train_loss", loss.loss);
      });
  if (!norm.ok()) return norm.status();
  BcLoss mean;
  for (const BcLoss& loss : block_losses_) mean += loss;
  return mean;
}

absl::StatusOr<BcLoss> BcTrainer::Validate() {
  const BcData& data = dataset_.validation;
  std::vector<uint32_t> order(data.steps());
  std::iota(order.begin(), order.end(), 0u);
  BcLoss mean;
  for (const std::span<const uint32_t> steps : Minibatches(order, kMaxValidationMinibatch)) {
    const std::span<const uint32_t> own = OwnPart(steps);
    if (own.empty()) continue;
    GatherSteps(data, own, minibatch_);
    std::vector<float> logits(own.size() * state_.policy.actions());
    std::vector<float> values(distillation_ ? own.size() : 0);
    state_.policy.Infer(minibatch_.observations, {.logits = logits, .values = values});
    if (absl::Status status = CheckFinite("logits of validation", logits); !status.ok()) return status;
    if (absl::Status status = CheckFinite("values of validation", values); !status.ok()) return status;
    const BcLoss loss = LossOf({.logits = logits, .values = values}, minibatch_.samples(), steps.size(), {});
    const double share = static_cast<double>(steps.size()) / static_cast<double>(data.steps());
    mean.loss += share * loss.loss;
    mean.accuracy += share * loss.accuracy;
  }
  if (absl::Status status = CheckFinite("validation_loss", mean.loss); !status.ok()) return status;
  return mean;
}

v1::StageProgress BcTrainer::Progress() const {
  v1::StageProgress progress;
  progress.set_iteration(state_.iteration);
  progress.set_done(state_.iteration);
  progress.set_total(options_.epochs());
  progress.set_unit("epochs");
  std::map<std::string, double> metrics;
  metrics["train_loss"] = last_.training.loss;
  metrics["train_accuracy"] = last_.training.accuracy;
  if (last_.validation.has_value()) {
    metrics["validation_loss"] = last_.validation->loss;
    metrics["validation_accuracy"] = last_.validation->accuracy;
  }
  metrics["learning_rate"] = options_.learning_rate();
  metrics["seconds"] = state_.seconds();
  progress.mutable_metrics()->insert(metrics.begin(), metrics.end());
  return progress;
}

}  // namespace

absl::StatusOr<TrainingOutput> TrainBc(const TrainingInput& input, TrainingContext& context) {
  absl::StatusOr<Policy> policy = StartingPolicy(input);
  if (!policy.ok()) return policy.status();
  const absl::StatusOr<Demonstrations> demonstrations = context.ReadDemonstrations();
  if (!demonstrations.ok()) return demonstrations.status();
  absl::StatusOr<BcDataset> dataset =
      MakeBcDataset(*demonstrations, input.environment, input.stage.bc(), input.stage.seed());
  if (!dataset.ok()) return dataset.status();
  auto backpropagation = MakeBackpropagation(policy->header(), input.stage.device(), input.stage.threads());
  if (!backpropagation.ok()) return backpropagation.status();
  BcTrainer trainer(input, context, *std::move(policy), *std::move(backpropagation), *std::move(dataset));
  if (input.checkpoint.has_value()) {
    if (absl::Status status = trainer.Restore(*input.checkpoint); !status.ok()) return status;
  }
  return trainer.Run();
}

}  // namespace understudy
