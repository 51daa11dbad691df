#include "coordinator/admission.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/constraints.h"
#include "common/config/experiment_validation.h"
#include "common/environment/spaces.h"
#include "coordinator/dataset_recipe.h"

namespace understudy {
namespace {

absl::Status At(const std::string& path, const absl::Status& status) {
  return status.ok() ? status : absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
}

// The latest stage before `stage` that `matches`; nullopt: none does.
template <typename Predicate>
std::optional<int> FindEarlier(const v1::ExperimentSpec& spec, int stage, Predicate matches) {
  for (int i = stage - 1; i >= 0; --i) {
    if (matches(spec.stages(i))) return i;
  }
  return std::nullopt;
}

// Settings that decide which policy training makes: a change of one of them leads to another policy. Others, such as
// the budget, may be changed without any effect, if training converges before. A stage with `initial` has none, because
// what it starts from may have converged already.
std::vector<std::pair<std::string, std::string>> DecisiveSettings(const v1::TrainStage& train) {
  if (!train.initial().empty()) return {};
  std::vector<std::pair<std::string, std::string>> settings = {{"algorithm", train.algorithm()},
                                                               {"seed", absl::StrCat(train.seed())}};
  if (train.has_ppo()) {
    settings.emplace_back("slots", absl::StrCat(train.ppo().slots()));
    settings.emplace_back("steps_per_slot", absl::StrCat(train.ppo().steps_per_slot()));
    settings.emplace_back("learning_rate", absl::StrCat(train.ppo().learning_rate()));
    settings.emplace_back("gamma", absl::StrCat(train.ppo().gamma()));
    settings.emplace_back("gae_lambda", absl::StrCat(train.ppo().gae_lambda()));
  } else if (train.has_bc()) {
    settings.emplace_back("loss", train.bc().loss());
    settings.emplace_back("learning_rate", absl::StrCat(train.bc().learning_rate()));
    settings.emplace_back("weight_decay", absl::StrCat(train.bc().weight_decay()));
  }
  return settings;
}

// Why two stages certainly train different policies, such as "seed 1 instead of 2"; empty: they may train the same.
std::string CertainDifference(const v1::TrainStage& one, const v1::TrainStage& other) {
  const auto settings = DecisiveSettings(one);
  const auto others = DecisiveSettings(other);
  for (size_t i = 0; i < std::min(settings.size(), others.size()); ++i) {
    if (settings[i] == others[i]) continue;
    return absl::StrCat(settings[i].first, " ", settings[i].second, " instead of ", others[i].second);
  }
  return "";
}

class Checker {
 public:
  Checker(const v1::ExperimentSpec& spec, v1::EnvironmentSpec environment, Store& store)
      : spec_(spec), environment_(std::move(environment)), store_(store) {}

  // The policy that a stage uses.
  absl::StatusOr<std::optional<PolicyReference>> CheckStage(int i) {
    const v1::StageSpec& stage = spec_.stages(i);
    const std::string path = ItemPath("stages", i);
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
        const absl::Status target = At(path + ".collect.dataset", CheckTarget(i, stage.collect(), **policy));
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
    const bool made_earlier = FindMaker(i, reference->name).has_value();
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
    if (const auto maker = FindEarlier(spec_, i, makes_it)) {
      if (NeedsRecordedOutputs(train) && spec_.stages(*maker).collect().record_size() < 2) {
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

  // The latest stage before `stage` that trains a policy of this name.
  std::optional<int> FindMaker(int stage, const std::string& policy) const {
    return FindEarlier(spec_, stage, [&](const v1::StageSpec& earlier) { return earlier.train().policy() == policy; });
  }

  // A dataset that exists must be able to be what the stage would collect.
  absl::Status CheckTarget(int i, const v1::CollectStage& collect, const PolicyReference& reference) {
    const auto recipe = RecipeOf(collect, reference);
    if (!recipe.ok()) return recipe.status();
    const std::optional<int> maker = reference.version > 0 ? std::nullopt : FindMaker(i, reference.name);
    const auto existing = store_.GetDataset(collect.dataset());
    if (absl::IsNotFound(existing.status())) return absl::OkStatus();
    if (!existing.ok()) return existing.status();
    if (!SameRecipe(existing->recipe(), *recipe)) return OtherRecipeError(*existing);
    if (!maker.has_value()) return absl::OkStatus();
    const auto difference = DifferenceOf(*maker, existing->recipe().policy());
    if (!difference.ok() || difference->empty()) return difference.status();
    const absl::Status other = OtherRecipeError(*existing);
    return absl::Status(other.code(), absl::StrCat(other.message(), "; its policy is another than the one that ",
                                                   ItemPath("stages", *maker), " trains, with ", *difference));
  }

  // The policy has no more than a name if it is not made yet.
  absl::StatusOr<v1::DatasetRecipe> RecipeOf(const v1::CollectStage& collect, const PolicyReference& reference) {
    if (reference.version == 0) return MakeRecipe(environment_, collect, v1::PolicyHeader());
    const auto stored = store_.GetPolicy(reference.name, reference.version);
    if (!stored.ok()) return stored.status();
    return MakeRecipe(environment_, collect, stored->header());
  }

  // Why the policy that a stage is to train is certainly another than a stored one; empty: it may be the same.
  absl::StatusOr<std::string> DifferenceOf(int maker, const v1::PolicyHeader& stored) {
    const v1::TrainStage& train = spec_.stages(maker).train();
    if (train.has_network()) {
      v1::PolicyHeader made = stored;
      *made.mutable_network() = train.network();
      if (ArchitectureText(made) != ArchitectureText(stored)) {
        return absl::StrCat(ArchitectureText(made), " instead of ", ArchitectureText(stored));
      }
    }
    const auto policy = store_.GetPolicy(stored.name(), stored.version());
    // What has been deleted, or replaced by another of its name, tells nothing.
    if (absl::IsNotFound(policy.status())) return "";
    if (!policy.ok()) return policy.status();
    if (policy->header().digest() != stored.digest()) return "";
    const auto origin = store_.GetExperiment(policy->experiment_id());
    if (absl::IsNotFound(origin.status())) return "";
    if (!origin.ok()) return origin.status();
    if (policy->stage() < 0 || policy->stage() >= origin->spec().stages_size()) return "";
    return CertainDifference(train, origin->spec().stages(policy->stage()).train());
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
