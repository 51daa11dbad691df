// File-system calls that return statuses. A status names the file and the system's reason. Its code is NOT_FOUND (no
// such file), RESOURCE_EXHAUSTED (disk full), PERMISSION_DENIED (this may not be done here) or UNAVAILABLE (anything
// else).
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_FILES_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_FILES_H_

#include <string>

#include "absl/status/status.h"

namespace understudy {

// Makes the status of a system call that has just failed with `system_error`: "cannot `operation`: …".
absl::Status SystemError(int system_error, const std::string& operation);

// Writes what the system holds of a file, or of a directory's entries, to the disk.
absl::Status SyncFile(const std::string& path);

absl::Status RenameFile(const std::string& from, const std::string& to);

// Returns the directory that a path is in; "." for a name alone.
std::string DirectoryOf(const std::string& path);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_FILES_H_
