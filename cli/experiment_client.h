// Helps clients to submit experiments and to judge their end.
#ifndef UNDERSTUDY_CLI_EXPERIMENT_CLIENT_H_
#define UNDERSTUDY_CLI_EXPERIMENT_CLIENT_H_

#include "absl/status/status.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Makes a request with a new token of 128 random bits. The token lets the same request be sent again without a second
// experiment.
v1::SubmitRequest MakeSubmitRequest(const v1::ExperimentSpec& spec);

// Returns OK if every stage succeeded.
// ABORTED: the message says which stage did not succeed and why, or how to resume a paused experiment.
absl::Status ExperimentStatus(const v1::Experiment& experiment);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_EXPERIMENT_CLIENT_H_
