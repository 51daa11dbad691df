// The lock that lets one process at a time write to a PostgreSQL database: an advisory lock, which the server keeps for
// a session until the session ends. A fence stops the writing of a process that has lost the lock.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_LOCK_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_LOCK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/process/mutex.h"
#include "coordinator/storage/postgres_session.h"

namespace understudy {

// A fence keeps a process from writing to a store that another process has taken over. The connections of one store
// share a fence. Thread-safe.
class StoreFence {
 public:
  // Makes every later transaction that writes fail unless `incarnation` is the store's latest. 0: not known yet.
  void SetIncarnation(int64_t incarnation) {
    MutexLock lock(mutex_);
    incarnation_ = incarnation;
  }
  int64_t incarnation() {
    MutexLock lock(mutex_);
    return incarnation_;
  }

  // Refuses every write from now on, and lets nobody wait to write. Idempotent.
  void Abandon() {
    MutexLock lock(mutex_);
    abandoned_ = true;
    changed_.NotifyAll();
  }
  // Waits until Abandon is called, at most for `timeout`. Returns whether it was.
  bool WaitUntilAbandoned(absl::Duration timeout);
  bool abandoned() { return WaitUntilAbandoned(absl::ZeroDuration()); }

 private:
  Mutex mutex_;
  CondVar changed_;
  int64_t incarnation_ ABSL_GUARDED_BY(mutex_) = 0;
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
};

// The names of sessions that write begin with this. The process that holds the lock ends such sessions that are left of
// its predecessor.
inline constexpr char kPostgresWriter[] = "understudy-writer ";

// Holds the lock as long as its session lives. When the process dies, the server ends the session, and with it the
// lock, at once. If the process was stopped, or its network was cut, the server does so after two seconds.
//
// Thread-compatible.
class PostgresLock {
 public:
  // Connects, and holds nothing yet.
  // INVALID_ARGUMENT: this is no URL of PostgreSQL.
  // UNAVAILABLE: the server, which the message names without password, cannot be reached.
  // FAILED_PRECONDITION: the server is older than PostgreSQL 14.
  static absl::StatusOr<std::unique_ptr<PostgresLock>> Connect(const std::string& url);

  // Gives the lock back.
  ~PostgresLock();

  // Tries to take the lock, without waiting. Returns an empty text if it is held from now on, and otherwise who has it,
  // as "process 123 on host". Call again within two seconds.
  // UNAVAILABLE: the server cannot be reached.
  absl::StatusOr<std::string> TryTake();

  // Keeps the lock, with a thread of its own, until destroyed. Call it as soon as the lock is held. It first ends the
  // sessions of former holders that write: their transactions would be refused, but one that was stopped in the middle
  // would make ours wait.
  //
  // If the session is lost, as when the server restarts, the thread takes the lock again, provided that nobody has
  // written meanwhile under another incarnation than the fence's. If somebody has, or if the attempts fail for five
  // seconds, the thread abandons the fence and calls `on_lost`, once.
  void Keep(std::shared_ptr<StoreFence> fence, std::function<void(const absl::Status&)> on_lost);

 private:
  PostgresLock(std::string url, std::string name) : url_(std::move(url)), name_(std::move(name)) {}

  absl::Status Open();
  void EndFormerWriters();
  // The body of the keeping thread.
  void Run();
  // Waits for `duration`. Returns true as soon as the thread should end.
  bool Wait(absl::Duration duration);
  // Takes the lock in a new session.
  // FAILED_PRECONDITION: somebody else has written since, or has the lock.
  absl::Status TakeAgain();
  // Runs a query for at most one row with one column, and waits two seconds at most. Returns the value; empty: no row.
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
