// The lock that lets one process at a time write to a PostgreSQL database: an advisory lock, which the server keeps for
// a session until the session ends.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_LOCK_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_LOCK_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/process/mutex.h"
#include "coordinator/storage/postgres_session.h"
#include "coordinator/storage/store_fence.h"

namespace understudy {

// The names of sessions that write begin with this. The process that takes the lock ends those that are left of its
// predecessor.
inline constexpr char kPostgresWriter[] = "understudy-writer ";

// The server ends the session, and with it the lock, at once when the process dies. It does so after two seconds where
// the process was stopped or its network was cut.
//
// Thread-compatible.
class PostgresLock {
 public:
  // Connects, and holds nothing yet. INVALID_ARGUMENT: this is no URL of PostgreSQL. UNAVAILABLE names the server,
  // without password. FAILED_PRECONDITION: the server is older than PostgreSQL 14.
  static absl::StatusOr<std::unique_ptr<PostgresLock>> Connect(const std::string& url);

  // Gives the lock back.
  ~PostgresLock();

  // Tries to take the lock, without waiting. Returns an empty text where it is held from now on; sessions of former
  // holders have been ended then. Otherwise returns who has it, as "process 123 on host"; call again within two
  // seconds. UNAVAILABLE: the server cannot be reached.
  absl::StatusOr<std::string> TryTake();

  // Keeps the lock, with a thread of its own, until destroyed. To be called as soon as it is held. If the session is
  // lost, as when the server restarts, the thread takes the lock again, provided that nobody has written meanwhile
  // under another incarnation than the fence's. If that fails for five seconds, the thread abandons the fence and calls
  // `on_lost`, once.
  void Keep(std::shared_ptr<StoreFence> fence, std::function<void(const absl::Status&)> on_lost);

 private:
  PostgresLock(std::string url, std::string name) : url_(std::move(url)), name_(std::move(name)) {}

  absl::Status Open();
  void EndFormerWriters();
  // The keeping thread.
  void Run();
  // Waits. Returns true where the thread should end.
  bool Wait(absl::Duration duration);
  // Takes the lock in a new session. FAILED_PRECONDITION: somebody else has written since.
  absl::Status TakeAgain();
  // Asks a query for one row with one column, or none, and waits two seconds at most.
  absl::StatusOr<std::string> Ask(const std::string& sql);

  const std::string url_;
  const std::string name_;
  PostgresSession session_;
  std::shared_ptr<StoreFence> fence_;
  std::function<void(const absl::Status&)> on_lost_;
  std::thread keeper_;
  Mutex mutex_;
  CondVar changed_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_LOCK_H_
