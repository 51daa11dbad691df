// What an experiment must be, wherever it comes from: a file, or the wire.
#ifndef UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_VALIDATION_H_
#define UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_VALIDATION_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/config/constraints.h"
#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Algorithms by name, ascending.
std::vector<std::string> AlgorithmNames();

// Sets every absent field that has a default (constraint.proto), the hyper-parameters of the named algorithm, the
// network of what does not start from a stored policy, and stop rules' intervals. Changes nothing the second time.
void FillInDefaults(v1::ExperimentSpec& experiment);

// Everything that can be said of an experiment without a store: bounds of all fields (constraint.proto), known
// environment, algorithm and network, hyper-parameters of that algorithm and no other, a dataset exactly where the
// algorithm takes one, transitions or episodes, stop rules that have a mean return, `require: converged` only with one,
// names used by later stages made by earlier ones in the right kind. Names that no earlier stage makes may be in the
// store: not looked at here. A field that has a default must be there: FillInDefaults comes first. Empty: valid. At
// most 20.
std::vector<Violation> FindViolations(const v1::ExperimentSpec& experiment);

// What a valid experiment asks for and cannot get whole: budgets of environment steps that are no whole number of
// iterations. Users are told before training begins. Only for an experiment without violations.
std::vector<Violation> FindRemainders(const v1::ExperimentSpec& experiment);

// FindViolations' first as INVALID_ARGUMENT "PATH: MESSAGE"; OK where there is none.
absl::Status ValidateExperiment(const v1::ExperimentSpec& experiment);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_VALIDATION_H_
