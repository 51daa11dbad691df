// Says whether an experiment is valid, wherever it comes from (a file or the wire), and which algorithms it may name.
#ifndef UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_VALIDATION_H_
#define UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_VALIDATION_H_

#include <span>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/config/constraints.h"
#include "understudy/v1/experiments.pb.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy {

// What configuration knows of one training algorithm; the learner has the algorithm itself. The algorithm's
// hyper-parameters are the member of TrainStage.hyperparameters that has its name.
struct AlgorithmRules {
  std::string_view name;
  bool takes_dataset = false;  // true: it needs demonstrations; false: it accepts none
  int stop_interval = 0;       // the default of stop.interval, in the algorithm's iterations or epochs
};

// Returns the table, ordered by name.
std::span<const AlgorithmRules> AllAlgorithmRules();

// Returns the rules of one algorithm, or null if there is no such algorithm.
const AlgorithmRules* FindAlgorithmRules(std::string_view name);

// Sets every absent field that has a default. These are the defaults of constraint.proto, the hyper-parameters of the
// named algorithm, the interval of a stop rule, and the network of a policy that starts from fresh parameters. A second
// call changes nothing.
void FillInDefaults(v1::ExperimentSpec& experiment);

// Returns everything that is wrong with an experiment, as far as it can be said without a store. At most 20 violations
// are returned; none means that the experiment is valid. FillInDefaults must come first, because an absent field that
// has a default is a violation. These rules are checked:
// - Every field is within its bounds (constraint.proto).
// - Environment, algorithm and network are known.
// - A stage has the hyper-parameters of its algorithm and no others.
// - A stage names a dataset exactly if its algorithm learns from one.
// - A collect stage has either `transitions` or `episodes`.
// - `require: converged` comes with a stop rule, and a stop rule has a mean return.
// - If an earlier stage makes a name that a later stage uses, it makes the right kind of thing. A name that no earlier
//   stage makes may be in the store, which is not looked at here.
std::vector<Violation> FindViolations(const v1::ExperimentSpec& experiment);

// Returns what a valid experiment asks for but cannot get whole: a budget of environment steps that is no whole number
// of iterations. Users are told before training begins.
std::vector<Violation> FindRemainders(const v1::ExperimentSpec& experiment);

// Returns the first of FindViolations as INVALID_ARGUMENT "PATH: MESSAGE", or OK if there is none.
absl::Status ValidateExperiment(const v1::ExperimentSpec& experiment);

// Returns what a valid experiment's environment declares, with the experiment's step latency.
// NOT_FOUND lists the environments that exist.
absl::StatusOr<v1::EnvironmentSpec> EnvironmentOf(const v1::ExperimentSpec& experiment);

}  // namespace understudy

#endif  // UNDERSTUDY_COMMON_CONFIG_EXPERIMENT_VALIDATION_H_
