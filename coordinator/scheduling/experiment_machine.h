// The stage machine: how an experiment goes from submitted to finished.
//
//   stages in order:  PENDING ── StartNextStage ──► RUNNING ── FinishStage ──► SUCCEEDED, or FAILED by its own rule
//                                                      └────── FailStage ────► FAILED
// A stage that fails fails the experiment; stages that never ran are CANCELLED then. PauseExperiment makes a PENDING or
// RUNNING experiment PAUSED, and its running stage with it. ReopenExperiment puts what did not succeed back to PENDING.
// No other call changes an experiment that has finished, and only CancelExperiment changes one that is paused.
#ifndef UNDERSTUDY_COORDINATOR_SCHEDULING_EXPERIMENT_MACHINE_H_
#define UNDERSTUDY_COORDINATOR_SCHEDULING_EXPERIMENT_MACHINE_H_

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "common/snapshot/policy_snapshot.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

using StageResult = std::variant<v1::TrainResult, v1::CollectResult, v1::EvaluateResult>;

// Pure functions: no clock, no store.

// An experiment whose stages are all PENDING. `spec` is valid, defaults filled in; `policies`: by stage, the version
// that it uses, if any (see StageState.uses).
v1::Experiment NewExperiment(std::string id, v1::ExperimentSpec spec,
                             const std::vector<std::optional<PolicyReference>>& policies, absl::Time now);

// SUCCEEDED, FAILED or CANCELLED.
bool IsFinished(v1::Status status);

// Finished or PAUSED: no coordinator works on it before it is resumed.
bool IsAtRest(v1::Status status);

// The one stage that is RUNNING; nullopt: none.
std::optional<int> RunningStage(const v1::Experiment& experiment);

// The stage came to its end, SUCCEEDED or FAILED, under the grant with that epoch.
bool HasFinished(const v1::Experiment& experiment, const v1::StageKey& key);

// Starts the first PENDING stage and returns its index; nullopt: one is running, or none is left.
std::optional<int> StartNextStage(v1::Experiment& experiment, absl::Time now);

// The running stage has this result. It fails all the same where the stage requires more: `require: converged`,
// `minimum_mean_return`. The experiment succeeds with its last stage.
void FinishStage(v1::Experiment& experiment, StageResult result, absl::Time now);

// The running stage has failed: `error` is the stage's, and the experiment's with the stage named before it.
void FailStage(v1::Experiment& experiment, const std::string& error, absl::Time now);

// Whatever has not finished is CANCELLED.
void CancelExperiment(v1::Experiment& experiment, absl::Time now);

// Makes an experiment that is not at rest PAUSED, and its running stage. Later stages stay PENDING.
void PauseExperiment(v1::Experiment& experiment);

// Makes a PAUSED, FAILED or CANCELLED experiment PENDING: it goes on with the first stage that has not SUCCEEDED.
// Other experiments stay as they are.
void ReopenExperiment(v1::Experiment& experiment);

// "stage 2 (collect cartpole-expert)": how messages name a stage.
std::string StageLabel(const v1::Experiment& experiment, int stage);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SCHEDULING_EXPERIMENT_MACHINE_H_
