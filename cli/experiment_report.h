// Shows experiments as text for people and as JSON for scripts, and says how they ended. Everything here is pure.
#ifndef UNDERSTUDY_CLI_EXPERIMENT_REPORT_H_
#define UNDERSTUDY_CLI_EXPERIMENT_REPORT_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "understudy/v1/experiments.pb.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// Names a status without the enum's prefix: "SUCCEEDED".
std::string StatusName(v1::Status status);

// Returns whether an experiment or stage has ended: SUCCEEDED, FAILED or CANCELLED.
bool HasEnded(v1::Status status);

// Returns OK if every stage succeeded.
// ABORTED: the message says which stage did not succeed and why, or how to resume a paused experiment.
absl::Status ExperimentStatus(const v1::Experiment& experiment);

// Returns a stage's result: "mean return 497.3, converged, 53,248 steps". For a failed stage it returns the error, for
// a paused one how far it is, for a running one what it waits for. Empty if there is none of these.
std::string StageOutcome(const v1::StageState& stage);

// Returns a line for each part of a valid experiment that will not be trained, as FindRemainders says. Empty if there
// is none.
std::string FormatRemainders(const v1::ExperimentSpec& spec);

// Returns one line on the whole experiment, then a table with a row for each stage, which fits kTableColumns if it can.
// Below the table it repeats outcomes that did not fit.
std::string FormatExperiment(const v1::Experiment& experiment);

// Returns a table with a row for each experiment.
std::string FormatExperiments(const std::vector<v1::Experiment>& experiments);

// Returns {"id", "experiment", "status", "wall_seconds", "stages": [{"name", "kind", "status", "wall_seconds", …}]}.
// Scripts rely on this format. Fields that have no value yet are left out, and "error" if there is none. A running or
// paused stage has "progress". Digests are in hexadecimal.
nlohmann::ordered_json ExperimentJson(const v1::Experiment& experiment);

// Returns {"produced", "accepted", "rejected", "rejected_by_reason": {reason: count}, "lost", "in_flight"}: the counts
// of a stage's or a worker's trajectories.
nlohmann::ordered_json AccountingJson(const v1::TrajectoryAccounting& accounting);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_EXPERIMENT_REPORT_H_
