#include "learner/algorithms/training_state.h"

#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/snapshot/checksum.h"
#include "learner/backpropagation/numerical_fault.h"
#include "learner/checkpoint.h"

namespace understudy {
namespace {

std::string ToBytes(std::span<const float> numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()};
}

std::vector<float> FromBytes(const std::string& bytes) {
  std::vector<float> numbers(bytes.size() / sizeof(float));
  std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

}  // namespace

TrainingState::TrainingState(const TrainingInput& input, std::string_view unit, Policy initial,
                             std::unique_ptr<Backpropagation> backpropagation, AdamOptions optimizer,
                             double max_gradient_norm, LearnerGroup& learners)
    : policy(std::move(initial)),
      group(learners),
      update(policy, std::move(backpropagation), optimizer, max_gradient_norm, group),
      stop_rule(input.stage, input.environment),
      unit_(unit),
      started_(std::chrono::steady_clock::now()) {}

absl::StatusOr<std::vector<v1::RankReport>> TrainingState::Exchange(v1::RankReport mine, const PolicySnapshot& made,
                                                                    TrainingContext& context) {
  mine.set_policy_checksum(made.checksum);
  auto reports = context.Exchange(std::move(mine));
  if (!reports.ok()) return reports;
  for (size_t rank = 0; rank < reports->size(); ++rank) {
    const uint64_t theirs = (*reports)[rank].policy_checksum();
    if (theirs == made.checksum) continue;
    return absl::InternalError(absl::StrCat(std::string(unit_), " ", iteration, ": rank ", rank,
                                            " has come to a policy with checksum ", ChecksumText(theirs), ", rank ",
                                            group.rank(), " to ", ChecksumText(made.checksum),
                                            ": the learners of a stage must be of one release"));
  }
  return reports;
}

absl::StatusOr<bool> TrainingState::EndIteration(v1::StageProgress report, TrainingOutput output,
                                                 TrainingContext& context) {
  v1::RankDecision decision;
  if (group.rank() == 0) {
    absl::Status status = stop_rule.AfterIteration(std::move(report), std::move(output), context);
    if (!status.ok()) return During(unit_, iteration, status);
    const auto due = CheckpointDue(context);
    if (!due.ok()) return due;
    decision.set_checkpoint(*due);
    decision.set_ended(stop_rule.reached());
  }
  const auto decisions = group.Gather(group.rank() == 0 ? decision.SerializeAsString() : "");
  if (!decisions.ok()) return decisions.status();
  if (!decision.ParseFromString(decisions->front())) return absl::InternalError("rank 0 sent no RankDecision");
  ended_ = decision.ended();
  return decision.checkpoint();
}

absl::StatusOr<bool> TrainingState::CheckpointDue(TrainingContext& context) {
  if (stop_rule.reached() || !context.CheckpointDue()) return false;
  checkpoint_put_off_ = stop_rule.evaluating() && !checkpoint_put_off_ && !context.Draining();
  if (checkpoint_put_off_) return false;
  absl::Status status = stop_rule.FinishEvaluation(context);
  if (!status.ok()) return During(unit_, iteration, status);
  return !stop_rule.reached();
}

absl::StatusOr<TrainingOutput> TrainingState::Conclude(const absl::Status& trained, TrainingOutput output,
                                                       TrainingContext& context) {
  if (group.rank() > 0) return trained.ok() ? absl::StatusOr<TrainingOutput>(std::move(output)) : trained;
  absl::StatusOr<TrainingOutput> concluded = stop_rule.Conclude(trained, std::move(output), context);
  if (concluded.ok() || !trained.ok()) return concluded;
  return During(unit_, iteration, concluded.status());
}

v1::Checkpoint TrainingState::Capture() const {
  v1::Checkpoint checkpoint;
  checkpoint.set_fingerprint(ArchitectureFingerprint(policy.header()));
  checkpoint.set_iteration(iteration);
  checkpoint.set_updates(updates);
  checkpoint.set_seconds(seconds());
  checkpoint.set_parameters(ToBytes(policy.parameters()));
  const Adam::State& adam = update.optimizer().state();
  checkpoint.mutable_optimizer()->set_steps(adam.steps);
  checkpoint.mutable_optimizer()->set_first_moments(ToBytes(adam.first_moments));
  checkpoint.mutable_optimizer()->set_second_moments(ToBytes(adam.second_moments));
  *checkpoint.mutable_stop_rule() = stop_rule.state();
  return checkpoint;
}

absl::Status TrainingState::Restore(const v1::Checkpoint& checkpoint, int64_t iterations) {
  const std::string expected = ArchitectureFingerprint(policy.header());
  if (checkpoint.fingerprint() != expected) {
    return CheckpointDoesNotFit("fingerprint", ToHex(checkpoint.fingerprint()),
                                absl::StrCat(ToHex(expected), ", of ", ArchitectureText(policy.header())));
  }
  const std::span<float> parameters = policy.parameters();
  if (checkpoint.parameters().size() != parameters.size_bytes()) {
    return CheckpointDoesNotFit("parameters", absl::StrCat(checkpoint.parameters().size(), " bytes"),
                                absl::StrCat(parameters.size_bytes(), " bytes"));
  }
  if (checkpoint.iteration() > iterations) {
    return CheckpointDoesNotFit("iteration", absl::StrCat(checkpoint.iteration()),
                                absl::StrCat("at most ", iterations));
  }
  std::memcpy(parameters.data(), checkpoint.parameters().data(), parameters.size_bytes());
  update.optimizer().Restore({.steps = checkpoint.optimizer().steps(),
                              .first_moments = FromBytes(checkpoint.optimizer().first_moments()),
                              .second_moments = FromBytes(checkpoint.optimizer().second_moments())});
  stop_rule.Restore(checkpoint.stop_rule());
  iteration = checkpoint.iteration();
  updates = checkpoint.updates();
  seconds_before_ = checkpoint.seconds();
  started_ = std::chrono::steady_clock::now();
  return absl::OkStatus();
}

double TrainingState::seconds() const {
  return seconds_before_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
}

}  // namespace understudy
