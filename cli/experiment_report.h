// Shows experiments as text. Everything here is pure.
#ifndef UNDERSTUDY_CLI_EXPERIMENT_REPORT_H_
#define UNDERSTUDY_CLI_EXPERIMENT_REPORT_H_

#include <string>
#include <vector>

#include "understudy/v1/experiments.pb.h"

namespace understudy {

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

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_EXPERIMENT_REPORT_H_
