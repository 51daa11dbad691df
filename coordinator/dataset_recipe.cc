#include "coordinator/dataset_recipe.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/environment/spaces.h"
#include "common/snapshot/policy_snapshot.h"
#include "common/trajectory/dataset_content.h"

namespace understudy {
namespace {

bool SameEnvironment(const v1::EnvironmentSpec& a, const v1::EnvironmentSpec& b) {
  return a.name() == b.name() && a.max_episode_steps() == b.max_episode_steps() &&
         SpaceText(a.observation_space()) == SpaceText(b.observation_space()) &&
         SpaceText(a.action_space()) == SpaceText(b.action_space());
}

// Describes a recipe for people.
std::string DescribeRecipe(const v1::DatasetRecipe& recipe) {
  std::vector<std::string> parts = {absl::StrCat("policy ", recipe.policy().name(), "@", recipe.policy().version(),
                                                 " digest ", ToHex(recipe.policy().digest()).substr(0, 12)),
                                    recipe.environment().name(), absl::StrCat("seed ", recipe.seed()),
                                    recipe.action_mode() == v1::ACTION_MODE_GREEDY ? "greedy" : "sample"};
  if (Records(recipe, v1::RECORD_LOGITS)) parts.push_back("logits");
  if (Records(recipe, v1::RECORD_VALUE)) parts.push_back("value");
  parts.push_back(recipe.transitions() > 0 ? absl::StrCat(recipe.transitions(), " transitions")
                                           : absl::StrCat(recipe.episodes(), " episodes"));
  return absl::StrJoin(parts, ", ");
}

}  // namespace

v1::DatasetRecipe MakeRecipe(const v1::EnvironmentSpec& environment, const v1::CollectStage& stage,
                             const v1::PolicyHeader& policy) {
  v1::DatasetRecipe recipe;
  *recipe.mutable_environment() = environment;
  // The step latency changes how long collecting takes, never what is collected.
  recipe.mutable_environment()->clear_step_latency_us();
  *recipe.mutable_policy() = policy;
  recipe.set_action_mode(ToActionMode(stage.actions()));
  recipe.set_seed(stage.seed());
  const auto asked = [&stage](const std::string& record) {
    return std::find(stage.record().begin(), stage.record().end(), record) != stage.record().end();
  };
  if (asked("logits")) recipe.add_record(v1::RECORD_LOGITS);
  if (asked("value")) recipe.add_record(v1::RECORD_VALUE);
  recipe.set_transitions(stage.transitions());
  recipe.set_episodes(stage.episodes());
  return recipe;
}

bool SameRecipe(const v1::DatasetRecipe& a, const v1::DatasetRecipe& b) {
  const bool same_policy =
      a.policy().digest().empty() || b.policy().digest().empty() || a.policy().digest() == b.policy().digest();
  return same_policy && SameEnvironment(a.environment(), b.environment()) && a.action_mode() == b.action_mode() &&
         a.seed() == b.seed() &&
         std::equal(a.record().begin(), a.record().end(), b.record().begin(), b.record().end()) &&
         a.transitions() == b.transitions() && a.episodes() == b.episodes();
}

v1::CollectResult MakeCollectResult(const v1::Dataset& dataset) {
  v1::CollectResult result;
  result.set_dataset(dataset.name());
  result.set_episodes(dataset.episodes());
  result.set_transitions(dataset.transitions());
  result.set_mean_return(dataset.mean_return());
  result.set_digest(dataset.digest());
  result.set_policy(dataset.recipe().policy().name());
  result.set_policy_version(dataset.recipe().policy().version());
  return result;
}

absl::Status OtherRecipeError(const v1::Dataset& existing) {
  return absl::AlreadyExistsError(absl::StrCat("dataset ", existing.name(), " exists already with another recipe (",
                                               DescribeRecipe(existing.recipe()),
                                               "): delete it or choose another name"));
}

absl::Status CheckDemonstrations(const v1::Dataset& dataset, const v1::TrainStage& stage,
                                 const v1::EnvironmentSpec& environment) {
  const std::string name = absl::StrCat("dataset ", dataset.name());
  if (!dataset.complete()) {
    return absl::FailedPreconditionError(absl::StrCat(name, " is not complete: ", dataset.transitions(),
                                                      " transitions so far; expected a complete one"));
  }
  if (dataset.episodes() == 0) {
    return absl::FailedPreconditionError(absl::StrCat(name, " is empty: expected at least one episode"));
  }
  if (!SameEnvironment(dataset.recipe().environment(), environment)) {
    return absl::InvalidArgumentError(absl::StrCat(name, " is of environment ", dataset.recipe().environment().name(),
                                                   ", expected ", environment.name()));
  }
  if (NeedsRecordedOutputs(stage) &&
      !(Records(dataset.recipe(), v1::RECORD_LOGITS) && Records(dataset.recipe(), v1::RECORD_VALUE))) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, " was recorded without logits and value, which loss: distillation needs (record: [logits, value])"));
  }
  return absl::OkStatus();
}

bool NeedsRecordedOutputs(const v1::TrainStage& stage) { return stage.bc().loss() == "distillation"; }

v1::ActionMode ToActionMode(const std::string& actions) {
  return actions == "greedy" ? v1::ACTION_MODE_GREEDY : v1::ACTION_MODE_SAMPLE;
}

}  // namespace understudy
