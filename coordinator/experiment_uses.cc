#include "coordinator/experiment_uses.h"

#include "absl/strings/str_cat.h"
#include "coordinator/scheduling/experiment_machine.h"
#include "coordinator/stage_inputs.h"

namespace understudy {
namespace {

// FAILED_PRECONDITION: `uses` is true of an unfinished experiment.
template <typename Uses>
absl::Status CheckUnused(Store& store, const std::string& what, const Uses& uses) {
  return ForEachItem(
      [&](const PageRequest& page) { return store.ListExperiments({.unfinished = true}, page); },
      [&](const v1::Experiment& experiment) {
        if (!uses(experiment)) return absl::OkStatus();
        return absl::FailedPreconditionError(absl::StrCat(what, " is in use by experiment ", experiment.id(),
                                                          ", which has not finished: cancel it first"));
      });
}

}  // namespace

bool UsesDataset(const v1::Experiment& experiment, const std::string& dataset) {
  if (dataset.empty()) return false;  // as stages name it that use none
  for (int i = 0; i < experiment.stages_size(); ++i) {
    const v1::StageSpec& spec = experiment.spec().stages(i);
    const std::string& used = spec.has_collect() ? spec.collect().dataset() : spec.train().dataset();
    if (!IsFinished(experiment.stages(i).status()) && used == dataset) return true;
  }
  return false;
}

bool UsesPolicy(const v1::Experiment& experiment, const std::string& name, int64_t version) {
  if (name.empty()) return false;
  for (int i = 0; i < experiment.stages_size(); ++i) {
    if (IsFinished(experiment.stages(i).status())) continue;
    // It may have been published already.
    if (experiment.spec().stages(i).train().policy() == name) return true;
    if (experiment.stages(i).uses().name() != name) continue;
    const auto used = ResolvePolicy(experiment, i);
    if (version == 0 || (used.ok() && used->version == version)) return true;
  }
  return false;
}

absl::Status CheckDatasetUnused(Store& store, const std::string& dataset) {
  return CheckUnused(store, absl::StrCat("dataset ", dataset),
                     [&](const v1::Experiment& experiment) { return UsesDataset(experiment, dataset); });
}

absl::Status CheckPolicyUnused(Store& store, const std::string& name, int64_t version) {
  return CheckUnused(store, absl::StrCat("policy ", name, version == 0 ? "" : absl::StrCat("@", version)),
                     [&](const v1::Experiment& experiment) { return UsesPolicy(experiment, name, version); });
}

}  // namespace understudy
