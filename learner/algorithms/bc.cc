#include "learner/algorithms/bc.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/policy/policy.h"
#include "learner/algorithms/bc_dataset.h"
#include "learner/algorithms/bc_loss.h"
#include "learner/algorithms/parameter_update.h"
#include "learner/algorithms/shuffle.h"
#include "learner/algorithms/starting_policy.h"
#include "learner/stop_rule.h"

namespace understudy {
namespace {

constexpr size_t kMaxValidationMinibatch = 4096;  // bounds the memory of a pass

// An epoch's parameters and how good they are.
struct Epoch {
  std::shared_ptr<const PolicySnapshot> snapshot;
  BcLoss training;
  std::optional<BcLoss> validation;
};

class BcTrainer {
 public:
  BcTrainer(const TrainingInput& input, TrainingContext& context, Policy policy, BcDataset dataset)
      : input_(input),
        options_(input.stage.bc()),
        context_(context),
        distillation_(options_.loss() == "distillation"),
        dataset_(std::move(dataset)),
        policy_(std::move(policy)),
        update_(policy_, {.weight_decay = options_.weight_decay()}, options_.max_gradient_norm()),
        stop_rule_(input.stage, input.environment) {}

  absl::StatusOr<TrainingOutput> Run();

 private:
  absl::Status RunEpoch();
  absl::StatusOr<BcLoss> Train();
  std::optional<BcLoss> Validate();
  BcLoss Loss(const NetworkOutput& output, const BcSamples& samples, const NetworkGradients& gradients) const {
    return distillation_ ? Distillation(output, samples, options_.value_coefficient(), gradients)
                         : CrossEntropy(output, samples, gradients);
  }
  absl::Status CheckFinite(const char* name, double value) const;
  absl::Status Report(bool evaluated);

  bool restores_best() const { return options_.patience() > 0 && dataset_.validation.steps() > 0; }
  bool out_of_patience() const {
    return restores_best() && epoch_ - best_.snapshot->header.version() >= options_.patience();
  }

  const TrainingInput& input_;
  const v1::BcOptions& options_;
  TrainingContext& context_;
  const bool distillation_;
  const absl::Time started_ = absl::Now();

  BcDataset dataset_;
  Policy policy_;
  ParameterUpdate update_;
  StopRule stop_rule_;
  BcData minibatch_;
  int64_t epoch_ = 0;  // the current one: 1, 2, 3 …
  int64_t updates_ = 0;
  Epoch last_;
  Epoch best_;  // by validation loss
};

absl::StatusOr<TrainingOutput> BcTrainer::Run() {
  do {
    if (absl::Status status = RunEpoch(); !status.ok()) return status;
  } while (epoch_ < options_.epochs() && !stop_rule_.reached() && !out_of_patience());
  const Epoch& chosen = restores_best() && !stop_rule_.reached() ? best_ : last_;
  if (absl::Status status = stop_rule_.Evaluate(chosen.snapshot, context_); !status.ok()) return status;

  TrainingOutput output{.policy = chosen.snapshot, .result = {}};
  stop_rule_.FillIn(output.result);
  output.result.set_environment_steps(dataset_.training.steps());
  output.result.set_updates(updates_);
  output.result.set_iterations(epoch_);
  output.result.set_train_loss(chosen.training.loss);
  output.result.set_train_accuracy(chosen.training.accuracy);
  if (chosen.validation.has_value()) {
    output.result.set_validation_loss(chosen.validation->loss);
    output.result.set_validation_accuracy(chosen.validation->accuracy);
  }
  return output;
}

absl::Status BcTrainer::RunEpoch() {
  ++epoch_;
  const absl::StatusOr<BcLoss> training = Train();
  if (!training.ok()) return training.status();
  last_ = {
      .snapshot = policy_.Snapshot(input_.stage.policy(), epoch_), .training = *training, .validation = Validate()};
  if (last_.validation.has_value()) {
    if (absl::Status status = CheckFinite("validation_loss", last_.validation->loss); !status.ok()) return status;
    if (best_.snapshot == nullptr || last_.validation->loss < best_.validation->loss) best_ = last_;
  }
  const bool evaluate = stop_rule_.DueAfter(epoch_);
  if (evaluate) {
    if (absl::Status status = stop_rule_.Evaluate(last_.snapshot, context_); !status.ok()) return status;
  }
  return Report(evaluate);
}

absl::StatusOr<BcLoss> BcTrainer::Train() {
  const std::vector<uint32_t> order =
      RandomOrder(dataset_.training.steps(),
                  RandomStream(input_.stage.seed(), RandomPurpose::kMinibatchShuffle, /*stream=*/0, epoch_));
  BcLoss mean;
  for (const std::span<const uint32_t> steps : Minibatches(order, options_.minibatch_size())) {
    if (absl::Status status = context_.CheckCancelled(); !status.ok()) return status;
    GatherSteps(dataset_.training, steps, minibatch_);
    BcLoss loss;
    const double norm = update_.Apply(minibatch_.observations, distillation_, options_.learning_rate(),
                                      [&](const NetworkOutput& output, const NetworkGradients& gradients) {
                                        loss = Loss(output, minibatch_.samples(), gradients);
                                      });
    if (absl::Status status = CheckFinite("train_loss", loss.loss); !status.ok()) return status;
    if (absl::Status status = CheckFinite("gradient_norm", norm); !status.ok()) return status;
    const double share = static_cast<double>(steps.size()) / static_cast<double>(order.size());
    mean.loss += share * loss.loss;
    mean.accuracy += share * loss.accuracy;
    ++updates_;
  }
  return mean;
}

std::optional<BcLoss> BcTrainer::Validate() {
  const BcData& data = dataset_.validation;
  if (data.steps() == 0) return std::nullopt;
  std::vector<uint32_t> order(data.steps());
  std::iota(order.begin(), order.end(), 0u);
  BcLoss mean;
  for (const std::span<const uint32_t> steps : Minibatches(order, kMaxValidationMinibatch)) {
    GatherSteps(data, steps, minibatch_);
    const Policy::Output output = policy_.Infer(minibatch_.observations, distillation_);
    const BcLoss loss =
        Loss({.logits = Numbers(output.logits), .values = Numbers(output.values)}, minibatch_.samples(), {});
    const double share = static_cast<double>(steps.size()) / static_cast<double>(data.steps());
    mean.loss += share * loss.loss;
    mean.accuracy += share * loss.accuracy;
  }
  return mean;
}

absl::Status BcTrainer::CheckFinite(const char* name, double value) const {
  if (std::isfinite(value)) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("bc: ", name, " is ", value, " in epoch ", epoch_,
                                          ": training has diverged; a smaller learning_rate may help"));
}

absl::Status BcTrainer::Report(bool evaluated) {
  v1::StageProgress progress;
  progress.set_iteration(epoch_);
  progress.set_done(epoch_);
  progress.set_total(options_.epochs());
  progress.set_unit("epochs");
  progress.set_steps(stop_rule_.steps());
  std::map<std::string, double> metrics;
  metrics["train_loss"] = last_.training.loss;
  metrics["train_accuracy"] = last_.training.accuracy;
  if (last_.validation.has_value()) {
    metrics["validation_loss"] = last_.validation->loss;
    metrics["validation_accuracy"] = last_.validation->accuracy;
  }
  metrics["learning_rate"] = options_.learning_rate();
  metrics["seconds"] = absl::ToDoubleSeconds(absl::Now() - started_);
  if (evaluated) metrics["evaluation_mean_return"] = stop_rule_.last().mean_return;
  progress.mutable_metrics()->insert(metrics.begin(), metrics.end());
  return context_.Report(progress);
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
  return BcTrainer(input, context, *std::move(policy), *std::move(dataset)).Run();
}

}  // namespace understudy
