// Shows datasets, policies and workers as JSON. Digests are in hexadecimal. Fields that have no value are left out.
#ifndef UNDERSTUDY_CLI_CATALOGUE_JSON_H_
#define UNDERSTUDY_CLI_CATALOGUE_JSON_H_

#include <nlohmann/json.hpp>

#include "understudy/v1/datasets.pb.h"
#include "understudy/v1/policy.pb.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

nlohmann::ordered_json DatasetJson(const v1::Dataset& dataset);
// Adds "complete" and, if the dataset is not complete, "incomplete": an object with "found", "expected" and their
// "unit", which says how much the dataset has of what its recipe asks for.
void AddCompleteness(const v1::Dataset& dataset, nlohmann::ordered_json& json);
nlohmann::ordered_json PolicyJson(const v1::StoredPolicy& policy);
nlohmann::ordered_json WorkerJson(const v1::Worker& worker);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_CATALOGUE_JSON_H_
