#include "coordinator/stage_inputs.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/config/experiment_validation.h"
#include "coordinator/admission.h"
#include "coordinator/dataset_recipe.h"

namespace understudy {

absl::StatusOr<PolicyReference> ResolvePolicy(const v1::Experiment& experiment, int stage) {
  const v1::PolicyVersion& used = experiment.stages(stage).uses();
  if (used.version() > 0) return PolicyReference{.name = used.name(), .version = used.version()};
  for (int i = stage - 1; i >= 0; --i) {
    const v1::TrainResult& made = experiment.stages(i).train();
    if (made.policy() == used.name()) return PolicyReference{.name = made.policy(), .version = made.policy_version()};
  }
  return absl::NotFoundError(absl::StrCat("no earlier stage has made policy ", used.name()));
}

absl::StatusOr<std::shared_ptr<const PolicySnapshot>> LoadStagePolicy(const v1::Experiment& experiment, int stage,
                                                                      const v1::EnvironmentSpec& environment,
                                                                      Store& store) {
  const auto reference = ResolvePolicy(experiment, stage);
  if (!reference.ok()) return reference.status();
  auto policy = store.LoadPolicy(reference->name, reference->version);
  if (!policy.ok()) return policy.status();
  const absl::Status fits = CheckSpaces((*policy)->header, environment);
  if (!fits.ok()) return fits;
  return policy;
}

absl::StatusOr<v1::LearnerWork> MakeLearnerWork(const v1::Experiment& experiment, int stage, Store& store) {
  const v1::TrainStage& train = experiment.spec().stages(stage).train();
  const auto environment = EnvironmentOf(experiment.spec());
  if (!environment.ok()) return environment.status();
  v1::LearnerWork work;
  work.set_environment(environment->name());
  work.set_step_latency_us(environment->step_latency_us());
  *work.mutable_train() = train;
  // An experiment that an earlier release has stored says nothing of them.
  work.mutable_train()->set_learners(std::max(train.learners(), 1));
  if (!train.dataset().empty()) {
    const auto dataset = store.GetDataset(train.dataset());
    if (!dataset.ok()) return dataset.status();
    const absl::Status usable = CheckDemonstrations(*dataset, train, *environment);
    if (!usable.ok()) return usable;
  }
  if (!train.initial().empty()) {
    const auto reference = ResolvePolicy(experiment, stage);
    if (!reference.ok()) return reference.status();
    const auto initial = store.GetPolicy(reference->name, reference->version);
    if (!initial.ok()) return initial.status();
    *work.mutable_initial() = initial->header();
  }
  return work;
}

absl::StatusOr<v1::Dataset> FindOrCreateDataset(v1::Dataset dataset, Store& store) {
  auto existing = store.GetDataset(dataset.name());
  if (existing.ok()) {
    if (!SameRecipe(existing->recipe(), dataset.recipe())) return OtherRecipeError(*existing);
    return existing;
  }
  if (!absl::IsNotFound(existing.status())) return existing.status();
  if (const absl::Status created = store.CreateDataset(dataset); !created.ok()) return created;
  return dataset;
}

}  // namespace understudy
