// Shows datasets, policies and workers as text. Everything here is pure.
#ifndef UNDERSTUDY_CLI_CATALOGUE_REPORT_H_
#define UNDERSTUDY_CLI_CATALOGUE_REPORT_H_

#include <optional>
#include <string>
#include <vector>

#include "understudy/v1/datasets.pb.h"
#include "understudy/v1/policy.pb.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

std::string FormatDatasets(const std::vector<v1::Dataset>& datasets);
std::string FormatDataset(const v1::Dataset& dataset);
// Says how much a dataset has of what its recipe asks for: "120 of 400 episodes", "9,000 of 20,000 transitions".
std::string ProgressText(const v1::Dataset& dataset);
std::string FormatPolicies(const std::vector<v1::StoredPolicy>& policies);
std::string FormatPolicy(const v1::StoredPolicy& policy);
std::string FormatWorkers(const std::vector<v1::Worker>& workers);

// Names the action mode as experiment files do: "sample", "greedy".
std::string ActionModeName(v1::ActionMode mode);
// Names the recorded columns as experiment files do: "logits", "value".
std::vector<std::string> RecordNames(const v1::DatasetRecipe& recipe);
// Names the kind of worker: "actor", "learner".
std::string WorkerKindName(v1::WorkerKind kind);
// Returns the stage that a worker is assigned to; nullptr: it is idle.
const v1::StageKey* AssignedStage(const v1::Assignment& assignment);
// Returns the rank of a learner among the learners of its stage. nullopt: the worker is no learner of a stage that has
// several.
std::optional<int> AssignedRank(const v1::Assignment& assignment);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_CATALOGUE_REPORT_H_
