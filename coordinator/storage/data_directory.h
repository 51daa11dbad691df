// The directory that holds a coordinator's store, and the lock that lets one process at a time write to it.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_DATA_DIRECTORY_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_DATA_DIRECTORY_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/storage/sql_store.h"

namespace understudy {

// How processes that write to one data directory take turns.
struct DataDirectoryTurns {
  // Whether this process keeps the directory until somebody ends it, as a daemon does. Others do not wait for it then.
  bool stays = false;
  // If this is set, Open waits for a process that has the directory and does not stay. It calls this function again and
  // again, with "process 17 on host", until the directory is free or the function returns false. The function should
  // take a while.
  std::function<bool(const std::string& holder)> wait = nullptr;
};

// Holds the directory until destroyed. The lock ends with the process, however it dies.
class DataDirectory {
 public:
  enum class Mode {
    kCreate,  // make the directory and the store where there is none; exclusive
    kWrite,   // the store must exist; exclusive
    kRead,    // the store must exist; may be shared with a running coordinator; writing calls fail
  };

  // Opens the directory at `path`. After an error, nothing that was not there before is left behind.
  // INVALID_ARGUMENT: the path is too long. NOT_FOUND: there is no store.
  // PERMISSION_DENIED: it cannot be made or written. The message has the system's reason.
  // UNAVAILABLE: another process, which the message names, uses it.
  // FAILED_PRECONDITION: the store was written by a newer version, or, with kRead, by an older one; or the file where
  // its lock would be is something else.
  // DATA_LOSS: the store is damaged.
  static absl::StatusOr<std::unique_ptr<DataDirectory>> Open(const std::string& path, Mode mode,
                                                             const DataDirectoryTurns& turns = {});

  ~DataDirectory();

  SqlStore& store() { return *store_; }

  // Returns whether Open has made the store.
  bool is_new() const { return is_new_; }

  // Closes the store and removes, under the lock, what Open has made: the store if it was new, and directories that are
  // empty then. What Open has found stays. This is for a caller that cannot go on after all, or that needed no store.
  void DiscardIfNew();

 private:
  DataDirectory(int lock_fd, bool is_new, std::vector<std::string> created, std::unique_ptr<SqlStore> store);
  int lock_fd_;
  bool is_new_;
  std::vector<std::string> created_;  // paths, in the order of making
  std::unique_ptr<SqlStore> store_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_DATA_DIRECTORY_H_
