// The conformance suite on SqliteStore.
#include <filesystem>

#include "coordinator/storage/sqlite_store.h"
#include "tests/coordinator/storage/store_conformance.h"

namespace understudy::testing {
namespace {

absl::StatusOr<std::unique_ptr<Store>> OpenSqlite(const std::string& directory) {
  const std::string path = directory + "/store.sqlite";
  if (!std::filesystem::exists(path)) {
    if (absl::Status status = SqliteStore::Create(path); !status.ok()) return status;
  }
  return SqliteStore::Open(path, {});
}

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, ::testing::Values(StoreBackend{"SqliteStore", OpenSqlite}),
                         BackendName);

}  // namespace
}  // namespace understudy::testing
