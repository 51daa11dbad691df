// Who may write to a PostgreSQL database: the session that holds an advisory lock, until it ends.
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

// What the names of sessions that write begin with: whoever takes the lock ends those that are left.
inline constexpr char kPostgresWriter[] = "understudy-writer ";

// The server ends the session, and with it the lock, of a process that has died at once, and of one that it has not
// heard of for two seconds, because it was stopped or its network was cut.
//
// Thread-compatible.
class PostgresLock {
 public:
  // Holds nothing yet. INVALID_ARGUMENT: no URL of PostgreSQL. UNAVAILABLE names the server, without password.
  // FAILED_PRECONDITION: it is older than PostgreSQL 14.
  static absl::StatusOr<std::unique_ptr<PostgresLock>> Connect(const std::string& url);

  // Gives it back.
  ~PostgresLock();

  // Empty: it is held from now on, and sessions of those who held it before have been ended. Otherwise who has it, as
  // "process 123 on host". Does not wait for it; to be asked again within two seconds. UNAVAILABLE: the server cannot
  // be reached.
  absl::StatusOr<std::string> TryTake();

  // Once held, to be called at once: keeps it, with a thread of its own, until destroyed. Where the session is lost, as
  // when the server restarts, it is taken again, if nobody has written meanwhile under another incarnation than the
  // fence's. Where that cannot be done within five seconds, the fence is abandoned, and `on_lost` called, once, on that
  // thread.
  void Keep(std::shared_ptr<StoreFence> fence, std::function<void(const absl::Status&)> on_lost);

 private:
  PostgresLock(std::string url, std::string name) : url_(std::move(url)), name_(std::move(name)) {}

  absl::Status Open();
  void EndFormerWriters();
  // The keeping thread.
  void Run();
  // Waits; true: Keep is to end.
  bool Wait(absl::Duration duration);
  // FAILED_PRECONDITION: somebody else has written since.
  absl::Status TakeAgain();
  // One row with one column, or none, within two seconds.
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
