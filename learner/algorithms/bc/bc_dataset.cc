#include "learner/algorithms/bc/bc_dataset.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/environment/spaces.h"
#include "common/random/random_stream.h"
#include "common/trajectory/trajectory_layout.h"
#include "learner/algorithms/minibatches.h"

namespace understudy {
namespace {

std::string EnvironmentText(const v1::EnvironmentSpec& spec) {
  return absl::StrCat(spec.name(), " (", SpaceText(spec.observation_space()), " → ", SpaceText(spec.action_space()),
                      ")");
}

bool IsRecorded(const v1::DatasetRecipe& recipe, v1::Record record) {
  return std::find(recipe.record().begin(), recipe.record().end(), record) != recipe.record().end();
}

absl::Status CheckDataset(const v1::Dataset& dataset, const v1::EnvironmentSpec& environment,
                          const v1::BcOptions& options) {
  const std::string found = EnvironmentText(dataset.recipe().environment());
  const std::string expected = EnvironmentText(environment);
  if (found != expected) {
    return absl::InvalidArgumentError(
        absl::StrCat("dataset ", dataset.name(), ": found environment ", found, ", expected ", expected));
  }
  if (options.loss() != "distillation") return absl::OkStatus();
  for (const auto& [record, name] : {std::pair(v1::RECORD_LOGITS, "logits"), std::pair(v1::RECORD_VALUE, "value")}) {
    if (IsRecorded(dataset.recipe(), record)) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("dataset ", dataset.name(), ": its ", name,
                     " was not recorded, which loss distillation needs; collect it with ", "record: [logits, value]"));
  }
  return absl::OkStatus();
}

// Says for every episode whether it is held out.
std::vector<bool> ChooseValidation(size_t episodes, double share, uint64_t seed) {
  std::vector<bool> held_out(episodes);
  if (share <= 0 || episodes < 2) return held_out;
  const size_t count = std::clamp<size_t>(std::lround(share * static_cast<double>(episodes)), 1, episodes - 1);
  const std::vector<uint32_t> order = RandomOrder(episodes, RandomStream(seed, RandomPurpose::kValidationSplit, 0, 0));
  for (size_t i = 0; i < count; ++i) held_out[order[i]] = true;
  return held_out;
}

// Concatenates the steps of episodes. An observation has `observation_size` numbers.
BcData Concatenate(const std::vector<TrajectoryView>& episodes, int64_t observation_size) {
  int64_t steps = 0;
  for (const TrajectoryView& view : episodes) steps += view.trajectory->steps();
  BcData data;
  data.observation_size = static_cast<size_t>(observation_size);
  data.observations.resize(static_cast<size_t>(steps * observation_size));
  data.actions.resize(steps);
  float* const observations = data.observations.data();
  int64_t step = 0;
  for (const TrajectoryView& view : episodes) {
    const int64_t count = view.trajectory->steps();
    std::memcpy(observations + step * observation_size, view.observations.data(),
                count * observation_size * sizeof(float));
    std::memcpy(data.actions.data() + step, view.actions.data(), view.actions.size());
    data.logits.insert(data.logits.end(), view.logits.begin(), view.logits.end());
    data.values.insert(data.values.end(), view.values.begin(), view.values.end());
    step += count;
  }
  return data;
}

}  // namespace

absl::StatusOr<BcDataset> MakeBcDataset(const Demonstrations& demonstrations, const v1::EnvironmentSpec& environment,
                                        const v1::BcOptions& options, uint64_t seed) {
  if (absl::Status status = CheckDataset(demonstrations.dataset, environment, options); !status.ok()) return status;
  std::vector<TrajectoryView> episodes;
  for (const v1::TrajectoryBatch& batch : demonstrations.batches) {
    const std::vector<TrajectoryView> more = ViewTrajectories(batch, environment);
    episodes.insert(episodes.end(), more.begin(), more.end());
  }
  if (episodes.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("dataset ", demonstrations.dataset.name(), ": found no transitions, expected some to learn from"));
  }
  const std::vector<bool> held_out = ChooseValidation(episodes.size(), options.validation_split(), seed);
  std::vector<TrajectoryView> training;
  std::vector<TrajectoryView> validation;
  for (size_t i = 0; i < episodes.size(); ++i) (held_out[i] ? validation : training).push_back(episodes[i]);
  const int64_t observation_size = SpaceSize(environment.observation_space());
  return BcDataset{.training = Concatenate(training, observation_size),
                   .validation = Concatenate(validation, observation_size)};
}

void GatherSteps(const BcData& data, std::span<const uint32_t> steps, BcData& target) {
  target.observation_size = data.observation_size;
  target.observations.resize(steps.size() * data.observation_size);
  GatherRows(data.observations.data(), data.observation_size, steps, target.observations.data());
  GatherElements(data.actions, steps, target.actions);
  if (!data.values.empty()) GatherElements(data.values, steps, target.values);
  if (data.logits.empty()) return;
  const size_t actions = data.logits.size() / data.actions.size();
  target.logits.resize(steps.size() * actions);
  GatherRows(data.logits.data(), actions, steps, target.logits.data());
}

}  // namespace understudy
