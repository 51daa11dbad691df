// Experiments, from the client's side.
#ifndef UNDERSTUDY_CLI_EXPERIMENT_CLIENT_H_
#define UNDERSTUDY_CLI_EXPERIMENT_CLIENT_H_

#include "absl/status/status.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Under a new token, 128 random bits, so that the same request may be sent again.
v1::SubmitRequest MakeSubmitRequest(const v1::ExperimentSpec& spec);

// OK where every stage succeeded. Otherwise ABORTED says which stage did not and why, or how a paused experiment is
// resumed.
absl::Status ExperimentStatus(const v1::Experiment& experiment);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_EXPERIMENT_CLIENT_H_
