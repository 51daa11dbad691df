// Reads whole lists of a store, for tests.
#ifndef UNDERSTUDY_TESTS_TESTING_LISTING_H_
#define UNDERSTUDY_TESTS_TESTING_LISTING_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "coordinator/storage/store.h"

namespace understudy::testing {

// Reads all pages of `list`. An error fails the test.
template <typename Item, typename List>
std::vector<Item> All(const List& list) {
  std::vector<Item> items;
  const absl::Status status = ForEachItem(list, [&](Item item) {
    items.push_back(std::move(item));
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  return items;
}

inline std::vector<v1::Experiment> AllExperiments(Store& store, const ExperimentFilter& filter = {}) {
  return All<v1::Experiment>([&](const PageRequest& page) { return store.ListExperiments(filter, page); });
}

inline std::vector<v1::StageProgress> AllMetrics(Store& store, const std::string& experiment, int stage) {
  return All<v1::StageProgress>([&](const PageRequest& page) { return store.ListMetrics(experiment, stage, page); });
}

inline std::vector<v1::StoredPolicy> AllPolicies(Store& store) {
  return All<v1::StoredPolicy>([&](const PageRequest& page) { return store.ListPolicies(page); });
}

inline std::vector<v1::Dataset> AllDatasets(Store& store) {
  return All<v1::Dataset>([&](const PageRequest& page) { return store.ListDatasets(page); });
}

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_TESTING_LISTING_H_
