// The store in a file: SQLite in WAL mode, synced with every commit. It gives space back page by page (auto_vacuum).
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
    // Makes every writing call fail with PERMISSION_DENIED. Other processes may be writing.
    bool read_only = false;
    // The largest size of the file. A change that needs more fails with RESOURCE_EXHAUSTED. 0: the disk is the limit.
    int64_t max_bytes = 0;
  };

  // Makes an empty store, if there is no file. It is durable once OK is returned; after an error there is none. Only
  // one process may do so at a time.
  static absl::Status Create(const std::string& path);

  // Opens an existing store. An older schema is upgraded, unless the store is opened for reading.
  // PERMISSION_DENIED: the file cannot be read, or written.
  // FAILED_PRECONDITION: it has a newer schema, or, opened for reading, an older one.
  // DATA_LOSS: it is damaged, or no store.
  static absl::StatusOr<std::unique_ptr<SqliteStore>> Open(const std::string& path, const Options& options);

 private:
  using SqlStore::SqlStore;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_STORE_H_
