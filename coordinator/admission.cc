#include "coordinator/admission.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/experiment_environment.h"
#include "common/config/experiment_validation.h"
#include "common/environment/spaces.h"
#include "coordinator/dataset_recipe.h"

namespace understudy {
namespace {

absl::Status At(const std::string& path, const absl::Status& status) {
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

// The stages before `stage`, latest first, of which the first that `matches` is returned; nullptr: none.
template <typename Predicate>
const v1::StageSpec* FindEarlier(const v1::ExperimentSpec& spec, int stage, Predicate matches) {
  for (int i = stage - 1; i >= 0; --i) {
    if (matches(spec.stages(i))) return &spec.stages(i);
  }
  return nullptr;
}

class Checker {
 public:
  Checker(const v1::ExperimentSpec& spec, v1::EnvironmentSpec environment, Store& store)
      : spec_(spec), environment_(std::move(environment)), store_(store) {}

  // The policy that a stage uses.
  absl::StatusOr<std::optional<PolicyReference>> CheckStage(int i) {
    const v1::StageSpec& stage = spec_.stages(i);
    const std::string path = absl::StrCat("stages[", i, "]");
    switch (stage.kind_case()) {
      case v1::StageSpec::kTrain: {
        const absl::Status dataset = At(path + ".train.dataset", CheckDataset(i, stage.train()));
        if (!dataset.ok()) return dataset;
        if (stage.train().initial().empty()) return std::nullopt;
        return CheckPolicy(i, path + ".train.initial", stage.train().initial());
      }
      case v1::StageSpec::kCollect: {
        auto policy = CheckPolicy(i, path + ".collect.policy", stage.collect().policy());
        if (!policy.ok()) return policy;
        const absl::Status target = At(path + ".collect.dataset", CheckTarget(stage.collect(), **policy));
        if (!target.ok()) return target;
        return policy;
      }
      case v1::StageSpec::kEvaluate:
        return CheckPolicy(i, path + ".evaluate.policy", stage.evaluate().policy());
      case v1::StageSpec::KIND_NOT_SET:
        break;
    }
    return absl::InvalidArgumentError(absl::StrCat(path, ": expected train, collect or evaluate"));
  }

 private:
  absl::StatusOr<std::optional<PolicyReference>> CheckPolicy(int i, const std::string& path, const std::string& text) {
    absl::StatusOr<PolicyReference> reference = ParsePolicyReference(text);
    if (!reference.ok()) return At(path, reference.status());
    const auto makes_it = [&](const v1::StageSpec& stage) { return stage.train().policy() == reference->name; };
    const bool made_earlier = FindEarlier(spec_, i, makes_it) != nullptr;
    if (reference->version == 0 && made_earlier) return *reference;
    const auto stored = store_.GetPolicy(reference->name, reference->version);
    if (made_earlier && absl::IsNotFound(stored.status())) {
      return At(path, absl::NotFoundError(absl::StrCat("found ", text, ", which is not stored yet, expected ",
                                                       reference->name, " for what an earlier stage makes")));
    }
    if (!stored.ok()) return At(path, WithStoredPolicies(stored.status()));
    const absl::Status fits = At(path, CheckSpaces(stored->header(), environment_));
    if (!fits.ok()) return fits;
    reference->version = stored->header().version();
    return *reference;
  }

  absl::Status CheckDataset(int i, const v1::TrainStage& train) {
    if (train.dataset().empty()) return absl::OkStatus();
    const auto makes_it = [&](const v1::StageSpec& stage) { return stage.collect().dataset() == train.dataset(); };
    if (const v1::StageSpec* maker = FindEarlier(spec_, i, makes_it)) {
      if (NeedsRecordedOutputs(train) && maker->collect().record_size() < 2) {
        return absl::InvalidArgumentError(absl::StrCat(
            "the stage that collects ", train.dataset(),
            " does not record logits and value, which loss: distillation needs (record: [logits, value])"));
      }
      return absl::OkStatus();
    }
    const auto dataset = store_.GetDataset(train.dataset());
    if (!dataset.ok()) return WithStoredDatasets(dataset.status());
    return CheckDemonstrations(*dataset, train, environment_);
  }

  // A dataset that exists must be able to be what the stage would collect.
  absl::Status CheckTarget(const v1::CollectStage& collect, const PolicyReference& reference) {
    const auto existing = store_.GetDataset(collect.dataset());
    if (absl::IsNotFound(existing.status())) return absl::OkStatus();
    if (!existing.ok()) return existing.status();
    v1::PolicyHeader policy;
    if (reference.version > 0) {
      const auto stored = store_.GetPolicy(reference.name, reference.version);
      if (!stored.ok()) return stored.status();
      policy = stored->header();
    }
    if (SameRecipe(existing->recipe(), MakeRecipe(environment_, collect, policy))) return absl::OkStatus();
    return OtherRecipeError(*existing);
  }

  absl::Status WithStoredPolicies(const absl::Status& status) {
    if (!absl::IsNotFound(status)) return status;
    const auto stored = store_.ListPolicies({.size = kMaxPageSize});
    if (!stored.ok()) return status;
    std::vector<std::string> names;
    for (const v1::StoredPolicy& policy : stored->items) names.push_back(policy.header().name());
    return WithNames(status, "policies", std::move(names), stored->next_token.empty());
  }

  absl::Status WithStoredDatasets(const absl::Status& status) {
    if (!absl::IsNotFound(status)) return status;
    const auto stored = store_.ListDatasets({.size = kMaxPageSize});
    if (!stored.ok()) return status;
    std::vector<std::string> names;
    for (const v1::Dataset& dataset : stored->items) names.push_back(dataset.name());
    return WithNames(status, "datasets", std::move(names), stored->next_token.empty());
  }

  // `all`: there are no others than these names.
  static absl::Status WithNames(const absl::Status& status, const std::string& kind, std::vector<std::string> names,
                                bool all) {
    constexpr size_t kMostNames = 20;
    names.erase(std::unique(names.begin(), names.end()), names.end());
    const size_t more = names.size() - std::min(names.size(), kMostNames);
    names.resize(names.size() - more);
    const std::string list = names.empty() ? "none" : absl::StrJoin(names, ", ");
    return absl::Status(status.code(),
                        absl::StrCat(status.message(), "; no earlier stage makes it, and stored ", kind, " are: ", list,
                                     more > 0 ? absl::StrCat(" and ", more, all ? "" : " or more", " more") : ""));
  }

  const v1::ExperimentSpec& spec_;
  v1::EnvironmentSpec environment_;
  Store& store_;
};

}  // namespace

absl::StatusOr<Admission> Admit(v1::ExperimentSpec spec, Store& store) {
  FillInDefaults(spec);
  const absl::Status valid = ValidateExperiment(spec);
  if (!valid.ok()) return valid;
  absl::StatusOr<v1::EnvironmentSpec> environment = EnvironmentOf(spec);
  if (!environment.ok()) return At("environment", environment.status());

  Admission admission;
  admission.spec = std::move(spec);
  Checker checker(admission.spec, *std::move(environment), store);
  for (int i = 0; i < admission.spec.stages_size(); ++i) {
    auto policy = checker.CheckStage(i);
    if (!policy.ok()) return policy.status();
    admission.policies.push_back(*std::move(policy));
  }
  return admission;
}

absl::Status CheckSpaces(const v1::PolicyHeader& policy, const v1::EnvironmentSpec& environment) {
  const std::string found =
      absl::StrCat(SpaceText(policy.observation_space()), " -> ", SpaceText(policy.action_space()));
  const std::string expected =
      absl::StrCat(SpaceText(environment.observation_space()), " -> ", SpaceText(environment.action_space()));
  if (found == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("policy ", policy.name(), "@", policy.version(), " has spaces ", found,
                                                 ", expected those of ", environment.name(), ": ", expected));
}

}  // namespace understudy
