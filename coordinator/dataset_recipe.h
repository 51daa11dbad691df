// What datasets must be before a stage may write to them or learn from them.
#ifndef UNDERSTUDY_COORDINATOR_DATASET_RECIPE_H_
#define UNDERSTUDY_COORDINATOR_DATASET_RECIPE_H_

#include <string>

#include "absl/status/status.h"
#include "understudy/v1/datasets.pb.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// What a collect stage is to record; `policy` has only a name where the version is not made yet.
v1::DatasetRecipe MakeRecipe(const v1::EnvironmentSpec& environment, const v1::CollectStage& stage,
                             const v1::PolicyHeader& policy);

// Equal content follows: all but the policy's name and version is equal, its digest too. A digest that is not known
// yet fits any.
bool SameRecipe(const v1::DatasetRecipe& a, const v1::DatasetRecipe& b);

// The result of a stage whose dataset is complete.
v1::CollectResult MakeCollectResult(const v1::Dataset& dataset);

// ALREADY_EXISTS, naming the dataset and its recipe.
absl::Status OtherRecipeError(const v1::Dataset& existing);

// Whether `stage` can learn from a stored dataset. FAILED_PRECONDITION or INVALID_ARGUMENT names what was found and
// what was expected.
absl::Status CheckDemonstrations(const v1::Dataset& dataset, const v1::TrainStage& stage,
                                 const v1::EnvironmentSpec& environment);

// The stage learns from recorded logits and values.
bool NeedsRecordedOutputs(const v1::TrainStage& stage);

v1::ActionMode ToActionMode(const std::string& actions);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_DATASET_RECIPE_H_
