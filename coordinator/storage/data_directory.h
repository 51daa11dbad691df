// The directory that holds a coordinator's store, and the lock that lets one process at a time write to it.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_DATA_DIRECTORY_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_DATA_DIRECTORY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/storage/sql_store.h"

namespace understudy {

// Holds the directory until destroyed. The lock ends with the process, however it dies.
class DataDirectory {
 public:
  enum class Mode {
    kCreate,  // make the directory and the store where there is none; exclusive
    kWrite,   // the store must exist; exclusive
    kRead,    // the store must exist; may be shared with a running coordinator; writing calls fail
  };

  // INVALID_ARGUMENT: too long a path. NOT_FOUND: no store there. PERMISSION_DENIED: cannot be made or written, with
  // the system's reason. UNAVAILABLE: in use, naming the process that holds it. FAILED_PRECONDITION: written by a newer
  // version. DATA_LOSS: damaged. On error, nothing that was not there before is left behind.
  static absl::StatusOr<std::unique_ptr<DataDirectory>> Open(const std::string& path, Mode mode);

  ~DataDirectory();

  SqlStore& store() { return *store_; }

  // For a caller that cannot go on after all: removes what Open has made, so that nothing is left that was not there
  // before; what it has found stays. The store is closed then.
  void DiscardIfNew();

 private:
  DataDirectory(int lock_fd, std::vector<std::string> created, std::unique_ptr<SqlStore> store);
  int lock_fd_;
  std::vector<std::string> created_;  // paths, in the order of making
  std::unique_ptr<SqlStore> store_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_DATA_DIRECTORY_H_
