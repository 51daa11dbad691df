// The conformance suite on PostgresStore.
#include <map>

#include "coordinator/storage/postgres_store.h"
#include "tests/coordinator/storage/store_conformance.h"
#include "tests/testing/postgres_server.h"

namespace understudy::testing {
namespace {

// One server for all tests, a database for each.
absl::StatusOr<std::unique_ptr<Store>> OpenPostgres(const std::string& directory) {
  static PostgresServer server;
  static std::map<std::string, std::string> urls;
  std::string& url = urls[directory];
  if (url.empty()) url = server.NewDatabase();
  return PostgresStore::Open(url, std::make_shared<StoreFence>());
}

INSTANTIATE_TEST_SUITE_P(Postgres, StoreConformance, ::testing::Values(StoreBackend{"PostgresStore", OpenPostgres}),
                         BackendName);

}  // namespace
}  // namespace understudy::testing
