// The store that needs nothing but a file: SQLite in WAL mode, synced with every commit.
//
// One damaged page does not keep others from being read, nor a checkpoint from being replaced.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_STORE_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_STORE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/storage/sql_store.h"

namespace understudy {

class SqliteStore final : public SqlStore {
 public:
  struct Options {
    // Every writing call fails with PERMISSION_DENIED. Other processes may be writing.
    bool read_only = false;
    // Size that the file may grow to; what would need more is RESOURCE_EXHAUSTED. 0: as far as the disk goes.
    int64_t max_bytes = 0;
  };

  // Makes an empty store where there is no file; durable once OK is returned. On error there is none. One process at a
  // time.
  static absl::Status Create(const std::string& path);

  // Opens an existing store. PERMISSION_DENIED: the file cannot be read, or written. FAILED_PRECONDITION: it has a
  // newer schema, or, opened for reading, an older one. DATA_LOSS: it is damaged, or no store.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const std::string& path, const Options& options);

 private:
  using SqlStore::SqlStore;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_STORE_H_
