// The tests that every Store passes. An implementation instantiates the suite:
//   INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, Values(StoreBackend{…}), BackendName);
#ifndef UNDERSTUDY_TESTS_COORDINATOR_STORAGE_STORE_CONFORMANCE_H_
#define UNDERSTUDY_TESTS_COORDINATOR_STORAGE_STORE_CONFORMANCE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/storage/store.h"
#include "tests/coordinator/storage/temporary_directory.h"

namespace understudy::testing {

struct StoreBackend {
  std::string name;
  // The store that belongs to this directory, which is the test's own: empty at the first call, opened again by later
  // ones. There is never more than one open.
  std::function<absl::StatusOr<std::unique_ptr<Store>>(const std::string& directory)> open;
};

inline std::ostream& operator<<(std::ostream& out, const StoreBackend& backend) { return out << backend.name; }

inline std::string BackendName(const ::testing::TestParamInfo<StoreBackend>& info) { return info.param.name; }

class StoreConformance : public ::testing::TestWithParam<StoreBackend> {
 protected:
  StoreConformance() { Reopen(); }

  Store& store() { return *store_; }

  void Reopen() {
    store_.reset();
    store_ = GetParam().open(directory_.path()).value();
  }

 private:
  TemporaryDirectory directory_;
  std::unique_ptr<Store> store_;
};

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_COORDINATOR_STORAGE_STORE_CONFORMANCE_H_
