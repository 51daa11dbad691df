// A PostgreSQL database that this process holds for writing, as DataDirectory holds a directory: no other process
// writes to it meanwhile.
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
  // Opens the store of a database whose `lock` has just been taken. `on_lost` is called as PostgresLock::Keep says; the
  // store refuses to write from then on.
  // Errors: PostgresStore::Open's.
  static absl::StatusOr<std::unique_ptr<PostgresDatabase>> Open(const std::string& url,
                                                                std::unique_ptr<PostgresLock> lock,
                                                                std::function<void(const absl::Status&)> on_lost);

  // Takes the lock and opens the store, without waiting.
  // UNAVAILABLE: another process, which the message names, has the lock.
  // Other errors: those of PostgresLock and PostgresStore::Open.
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
