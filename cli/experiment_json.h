// Experiments as JSON: the format that scripts rely on.
#ifndef UNDERSTUDY_CLI_EXPERIMENT_JSON_H_
#define UNDERSTUDY_CLI_EXPERIMENT_JSON_H_

#include <nlohmann/json.hpp>

#include "understudy/v1/experiments.pb.h"

namespace understudy {

// {"id", "experiment", "status", "wall_seconds", "stages": [{"name", "kind", "status", "wall_seconds", …}]}; fields
// that have no value yet are left out, "error" where there is none; a running or paused stage has "progress". Digests
// in hexadecimal.
nlohmann::ordered_json ExperimentJson(const v1::Experiment& experiment);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_EXPERIMENT_JSON_H_
