// Commits changes of several threads in common transactions. So a disk that syncs a hundred times a second takes more
// than a hundred changes a second.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_GROUP_COMMIT_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_GROUP_COMMIT_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "common/process/mutex.h"
#include "coordinator/storage/sql_connection.h"

namespace understudy {

// Thread-safe. It has no thread of its own: the caller that has waited longest writes for all callers that wait. A
// caller that comes alone writes at once.
class GroupCommit {
 public:
  using Body = std::function<absl::Status(SqlConnection&)>;

  explicit GroupCommit(std::unique_ptr<SqlConnection> connection) : connection_(std::move(connection)) {}

  // Runs `body` in a transaction that writes, alone or together with the changes of other callers. Changes run in the
  // order of the calls. `body` may run on another caller's thread. It may also run more than once: if a common
  // transaction fails, each of its changes is tried again in a transaction of its own, so that none fails because of
  // another. Returns what SqlConnection::Transact returns for this change. UNAVAILABLE is not tried again: every caller
  // of the common transaction gets it.
  absl::Status Run(const std::string& operation, const Body& body);

  // Returns how many calls of Run wait for their change to be written.
  size_t waiting();

 private:
  struct Change {
    const std::string& operation;
    const Body& body;
    absl::Status status;
    bool done = false;
    CondVar changed;
  };

  // Writes changes and sets their statuses. Called only by the caller whose change is first in the queue.
  void Write(const std::vector<Change*>& changes);

  // Used by one caller at a time: the one whose change is first in the queue.
  const std::unique_ptr<SqlConnection> connection_;
  Mutex mutex_;
  std::deque<Change*> queue_ ABSL_GUARDED_BY(mutex_);  // in the order of the calls, until written
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_GROUP_COMMIT_H_
