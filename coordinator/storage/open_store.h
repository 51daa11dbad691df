// A store to work with in place, without a coordinator, wherever it is.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_OPEN_STORE_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_OPEN_STORE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/storage/data_directory.h"
#include "coordinator/storage/sql_store.h"

namespace understudy {

// `place`: a URL of PostgreSQL, or a data directory. The modes mean the same for both, but that a database itself is
// never made, only a store in it. The store is held, exclusively unless for reading, until the pointer and its copies
// are gone. Errors of DataDirectory, PostgresDatabase and PostgresStore::OpenForReading.
absl::StatusOr<std::shared_ptr<SqlStore>> OpenStore(const std::string& place, DataDirectory::Mode mode);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_OPEN_STORE_H_
