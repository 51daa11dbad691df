// Changes that come while another is being written are committed together, so that a disk that syncs a hundred times a
// second takes more than a hundred changes.
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

// Thread-safe. No thread of its own: whoever has waited longest writes for all who wait; one that comes alone writes at
// once.
class GroupCommit {
 public:
  using Body = std::function<absl::Status(SqlConnection&)>;

  explicit GroupCommit(std::unique_ptr<SqlConnection> connection) : connection_(std::move(connection)) {}

  // As SqlConnection::Transact for writing, but that `body` may run on another caller's thread, and more than once:
  // where a common transaction cannot be committed, each change is tried in one of its own, so that none fails because
  // of another; but where the store cannot be reached (UNAVAILABLE), all are told so. Changes are made in the order of
  // the calls.
  absl::Status Run(const std::string& operation, const Body& body);

  // Calls of Run that have not returned.
  size_t waiting();

 private:
  struct Change {
    const std::string& operation;
    const Body& body;
    absl::Status status;
    bool done = false;
    CondVar changed;
  };

  // By the caller of the first change in the queue alone.
  void Write(const std::vector<Change*>& changes);

  // Used by one caller at a time: the one whose change is first in the queue.
  const std::unique_ptr<SqlConnection> connection_;
  Mutex mutex_;
  std::deque<Change*> queue_ ABSL_GUARDED_BY(mutex_);  // in the order of the calls, until written
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_GROUP_COMMIT_H_
