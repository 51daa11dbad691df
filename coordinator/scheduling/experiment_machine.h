// The stage machine: the statuses of an experiment and its stages, from submitted to finished.
//
//   stages in order:  PENDING ── StartNextStage ──► RUNNING ── FinishStage ──► SUCCEEDED, or FAILED by its own rule
//                                                      └────── FailStage ────► FAILED
// A stage that fails makes the experiment FAILED, and the stages that never ran CANCELLED. PauseExperiment makes a
// PENDING or RUNNING experiment PAUSED, and its running stage with it. ReopenExperiment puts what did not succeed back
// to PENDING. No other call changes an experiment that has finished, and only CancelExperiment changes one that is
// paused.
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

// Returns an experiment whose stages are all PENDING. `spec` is valid, and its defaults are filled in. `policies` has
// an element for each stage: the policy version that it uses, if any (StageState.uses).
v1::Experiment NewExperiment(std::string id, v1::ExperimentSpec spec,
                             const std::vector<std::optional<PolicyReference>>& policies, absl::Time now);

// Whether the status is SUCCEEDED, FAILED or CANCELLED.
bool IsFinished(v1::Status status);

// Whether it is finished or PAUSED. No coordinator works on such an experiment until somebody resumes it.
bool IsAtRest(v1::Status status);

// Returns the index of the stage that is RUNNING; nullopt: none is.
std::optional<int> RunningStage(const v1::Experiment& experiment);

// Whether the stage has SUCCEEDED or FAILED under the grant with the epoch of `key`.
bool HasFinished(const v1::Experiment& experiment, const v1::StageKey& key);

// Starts the first PENDING stage and returns its index; nullopt: one is running, or none is left.
std::optional<int> StartNextStage(v1::Experiment& experiment, absl::Time now);

// Ends the running stage with a result. The stage has SUCCEEDED, or FAILED if the result is less than it requires
// (`require: converged`, `minimum_mean_return`). The experiment succeeds with its last stage.
void FinishStage(v1::Experiment& experiment, StageResult result, absl::Time now);

// Makes the running stage FAILED with this error. The experiment's error names the stage before it.
void FailStage(v1::Experiment& experiment, const std::string& error, absl::Time now);

// Makes the experiment, and its stages that have not finished, CANCELLED.
void CancelExperiment(v1::Experiment& experiment, absl::Time now);

// Makes an experiment that is not at rest PAUSED, and its running stage. Later stages stay PENDING.
void PauseExperiment(v1::Experiment& experiment);

// Makes a PAUSED, FAILED or CANCELLED experiment PENDING: it goes on with the first stage that has not SUCCEEDED.
// Other experiments stay as they are.
void ReopenExperiment(v1::Experiment& experiment);

// Returns how messages name a stage: "stage 2 (collect cartpole-expert)".
std::string StageLabel(const v1::Experiment& experiment, int stage);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_SCHEDULING_EXPERIMENT_MACHINE_H_
