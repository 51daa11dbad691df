// Opens a store without a coordinator, in a data directory or on a PostgreSQL server.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_OPEN_STORE_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_OPEN_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/storage/data_directory.h"
#include "coordinator/storage/sql_store.h"

namespace understudy {

// Opens the store at `place`, a URL of PostgreSQL or a data directory. The modes mean the same for both, except that a
// database is never made, only a store in it. The store is held until the last copy of the pointer is gone, and
// exclusively unless it is open for reading.
// Errors: those of DataDirectory, PostgresDatabase and PostgresStore::OpenForReading.
absl::StatusOr<std::shared_ptr<SqlStore>> OpenStore(const std::string& place, DataDirectory::Mode mode);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_OPEN_STORE_H_
