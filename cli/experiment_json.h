// Shows experiments as JSON. Scripts rely on this format.
#ifndef UNDERSTUDY_CLI_EXPERIMENT_JSON_H_
#define UNDERSTUDY_CLI_EXPERIMENT_JSON_H_

#include <nlohmann/json.hpp>

#include "understudy/v1/experiments.pb.h"

namespace understudy {

// Returns {"id", "experiment", "status", "wall_seconds", "stages": [{"name", "kind", "status", "wall_seconds", …}]}.
// Fields that have no value yet are left out, and "error" if there is none. A running or paused stage has "progress".
// Digests are in hexadecimal.
nlohmann::ordered_json ExperimentJson(const v1::Experiment& experiment);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_EXPERIMENT_JSON_H_
