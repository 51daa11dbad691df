#include "coordinator/learner_reports.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/config/experiment_validation.h"
#include "common/snapshot/checksum.h"
#include "coordinator/admission.h"
#include "coordinator/scheduling/experiment_machine.h"

namespace understudy {
namespace {

// OK: the policy version that a learner says its stage made is there.
absl::Status CheckPublished(const v1::Experiment& experiment, int stage, const v1::TrainResult& result, Store& store) {
  const std::string& name = experiment.spec().stages(stage).train().policy();
  // Not 0, which would mean the latest.
  const auto stored = store.GetPolicy(name, std::max<int64_t>(result.policy_version(), -1));
  if (absl::IsNotFound(stored.status()) || result.policy_version() == 0 ||
      (stored.ok() && stored->header().digest() != result.policy_digest())) {
    return absl::InvalidArgumentError(
        absl::StrCat(StageLabel(experiment, stage), " finished with policy ", name, "@", result.policy_version(),
                     " digest ", ToHex(result.policy_digest()).substr(0, 12), ", which it has not published: found ",
                     stored.ok() ? absl::StrCat(name, "@", stored->header().version(), " digest ",
                                                ToHex(stored->header().digest()).substr(0, 12))
                                 : std::string(stored.status().message())));
  }
  return stored.status();
}

}  // namespace

absl::Status CheckPublication(const v1::Experiment& experiment, int stage, const v1::PolicyHeader& policy) {
  const v1::StageSpec& spec = experiment.spec().stages(stage);
  if (!spec.has_train() || policy.name() != spec.train().policy()) {
    return absl::InvalidArgumentError(absl::StrCat(StageLabel(experiment, stage), " cannot publish policy ",
                                                   policy.name(), ": expected ", spec.train().policy()));
  }
  const auto environment = EnvironmentOf(experiment.spec());
  if (!environment.ok()) return environment.status();
  return CheckSpaces(policy, *environment);
}

absl::Status CheckFinish(const v1::Experiment& experiment, const v1::FinishStageRequest& request, Store& store) {
  const int stage = request.stage().stage();
  const std::string label = StageLabel(experiment, stage);
  if (!experiment.spec().stages(stage).has_train()) {
    return absl::InvalidArgumentError(absl::StrCat(label, " is not finished by a learner"));
  }
  if (!request.has_result() && !request.has_error()) {
    return absl::InvalidArgumentError(absl::StrCat(label, " finished with neither a result nor an error"));
  }
  return request.has_result() ? CheckPublished(experiment, stage, request.result(), store) : absl::OkStatus();
}

}  // namespace understudy
