// Experiments as text. Everything here is pure.
#ifndef UNDERSTUDY_CLI_EXPERIMENT_REPORT_H_
#define UNDERSTUDY_CLI_EXPERIMENT_REPORT_H_

#include <string>
#include <vector>

#include "understudy/v1/experiments.pb.h"

namespace understudy {

// A stage's result: "mean return 497.3, converged, 53,248 steps". Of a failed stage the error, of a paused one how far
// it is, of a running one what it waits for; otherwise empty.
std::string StageOutcome(const v1::StageState& stage);

// A line for each part of a valid experiment that will not be trained, as FindRemainders says; empty if there is none.
std::string FormatRemainders(const v1::ExperimentSpec& spec);

// One line on the whole, then a table with a row for each stage; at most kTableColumns wide.
std::string FormatExperiment(const v1::Experiment& experiment);

// A table with a row for each experiment.
std::string FormatExperiments(const std::vector<v1::Experiment>& experiments);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_EXPERIMENT_REPORT_H_
