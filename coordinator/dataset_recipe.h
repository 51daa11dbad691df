// Recipes of datasets: what a collect stage records, and whether a stage can write to a dataset or learn from it.
#ifndef UNDERSTUDY_COORDINATOR_DATASET_RECIPE_H_
#define UNDERSTUDY_COORDINATOR_DATASET_RECIPE_H_

#include <string>

#include "absl/status/status.h"
#include "understudy/v1/datasets.pb.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Returns what a collect stage records. `policy` has only a name if its version does not exist yet.
v1::DatasetRecipe MakeRecipe(const v1::EnvironmentSpec& environment, const v1::CollectStage& stage,
                             const v1::PolicyHeader& policy);

// Whether two recipes make equal content. The policies must have equal digests, not names; an unknown digest fits any.
bool SameRecipe(const v1::DatasetRecipe& a, const v1::DatasetRecipe& b);

// Returns the result of a collect stage whose dataset is complete.
v1::CollectResult MakeCollectResult(const v1::Dataset& dataset);

// Returns ALREADY_EXISTS, which names the dataset and its recipe.
absl::Status OtherRecipeError(const v1::Dataset& existing);

// Checks whether `stage` can learn from a stored dataset.
// FAILED_PRECONDITION: it is incomplete or empty. INVALID_ARGUMENT: its environment or columns are not what the stage
// needs. Both say what was found and expected.
absl::Status CheckDemonstrations(const v1::Dataset& dataset, const v1::TrainStage& stage,
                                 const v1::EnvironmentSpec& environment);

// Whether the stage learns from recorded logits and values.
bool NeedsRecordedOutputs(const v1::TrainStage& stage);

v1::ActionMode ToActionMode(const std::string& actions);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_DATASET_RECIPE_H_
