// Shows datasets, policies and workers, as text for people and as JSON for scripts. In JSON, digests are in
// hexadecimal, and fields that have no value are left out. Everything here is pure.
#ifndef UNDERSTUDY_CLI_CATALOGUE_H_
#define UNDERSTUDY_CLI_CATALOGUE_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "understudy/v1/datasets.pb.h"
#include "understudy/v1/policy.pb.h"
#include "understudy/v1/workers.pb.h"

namespace understudy {

std::string FormatDatasets(const std::vector<v1::Dataset>& datasets);
std::string FormatDataset(const v1::Dataset& dataset);
// Says how much a dataset has of what its recipe asks for: "120 of 400 episodes", "9,000 of 20,000 transitions".
std::string ProgressText(const v1::Dataset& dataset);
nlohmann::ordered_json DatasetJson(const v1::Dataset& dataset);
// Adds "complete" and, if the dataset is not complete, "incomplete": an object with "found", "expected" and their
// "unit", which says how much the dataset has of what its recipe asks for.
void AddCompleteness(const v1::Dataset& dataset, nlohmann::ordered_json& json);

std::string FormatPolicies(const std::vector<v1::StoredPolicy>& policies);
std::string FormatPolicy(const v1::StoredPolicy& policy);
nlohmann::ordered_json PolicyJson(const v1::StoredPolicy& policy);

std::string FormatWorkers(const std::vector<v1::Worker>& workers);
nlohmann::ordered_json WorkerJson(const v1::Worker& worker);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_CATALOGUE_H_
