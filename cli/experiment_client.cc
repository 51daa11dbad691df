#include "cli/experiment_client.h"

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/number_format.h"

namespace understudy {

v1::SubmitRequest MakeSubmitRequest(const v1::ExperimentSpec& spec) {
  v1::SubmitRequest request;
  *request.mutable_spec() = spec;
  std::random_device random;
  for (int i = 0; i < 4; ++i) absl::StrAppend(request.mutable_token(), absl::Hex(random(), absl::kZeroPad8));
  return request;
}

absl::Status ExperimentStatus(const v1::Experiment& experiment) {
  if (experiment.status() == v1::STATUS_SUCCEEDED) return absl::OkStatus();
  std::string why = experiment.error();
  if (experiment.status() == v1::STATUS_PAUSED) {
    why = absl::StrCat("'understudy experiments resume ", experiment.id(), "' goes on with it");
  }
  for (int i = 0; i < experiment.stages_size(); ++i) {
    const v1::StageState& stage = experiment.stages(i);
    if (stage.error().empty()) continue;
    why = absl::StrCat("stage ", i + 1, " (", stage.kind(), " ", stage.name(), "): ", stage.error());
    break;
  }
  return absl::AbortedError(absl::StrCat("experiment ", experiment.spec().name(), " ", StatusName(experiment.status()),
                                         why.empty() ? "" : ": ", why));
}

}  // namespace understudy
