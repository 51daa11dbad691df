// A PostgreSQL database that this process alone writes to: what DataDirectory is to a file.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_DATABASE_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_DATABASE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/storage/postgres_lock.h"
#include "coordinator/storage/postgres_store.h"
#include "coordinator/storage/store_fence.h"

namespace understudy {

class PostgresDatabase {
 public:
  // `lock` has just been taken. `on_lost`: see PostgresLock::Keep; the store refuses to write from then on.
  // PostgresStore::Open's errors.
  static absl::StatusOr<std::unique_ptr<PostgresDatabase>> Open(const std::string& url,
                                                                std::unique_ptr<PostgresLock> lock,
                                                                std::function<void(const absl::Status&)> on_lost);

  // The same, at once, for whom it is an error that another process has the lock: UNAVAILABLE, naming that.
  static absl::StatusOr<std::unique_ptr<PostgresDatabase>> OpenNow(const std::string& url);

  PostgresStore& store() { return *store_; }

 private:
  PostgresDatabase() = default;

  std::shared_ptr<StoreFence> fence_ = std::make_shared<StoreFence>();
  std::unique_ptr<PostgresLock> lock_;  // given back last
  std::unique_ptr<PostgresStore> store_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_DATABASE_H_
