// The store on a PostgreSQL server, for coordinators that stand by for one another, and datasets that outgrow a
// machine; and the database that holds it, locked for writing.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_STORE_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/storage/postgres_lock.h"
#include "coordinator/storage/sql_store.h"

namespace understudy {

class PostgresStore final : public SqlStore {
 public:
  // Opens the store for the holder of the database's PostgresLock. Makes or upgrades the tables. Counts up the
  // incarnation, so that nobody who wrote before can do so any more.
  // UNAVAILABLE: the server, which the message names without password, cannot be reached.
  // FAILED_PRECONDITION: the database has a newer schema.
  static absl::StatusOr<std::unique_ptr<PostgresStore>> Open(const std::string& url, std::shared_ptr<StoreFence> fence);

  // Opens the store for reading. Other processes may be writing. Writing calls fail with PERMISSION_DENIED.
  // NOT_FOUND: there is no store in the database. FAILED_PRECONDITION: it has another schema.
  static absl::StatusOr<std::unique_ptr<PostgresStore>> OpenForReading(const std::string& url);

  absl::StatusOr<int64_t> NextIncarnation() override;

 private:
  PostgresStore(std::unique_ptr<SqlConnection> writer, std::unique_ptr<SqlConnection> reader,
                std::shared_ptr<StoreFence> fence)
      : SqlStore(std::move(writer), std::move(reader)), fence_(std::move(fence)) {}

  const std::shared_ptr<StoreFence> fence_;
};

// A PostgreSQL database that this process holds for writing, as DataDirectory holds a directory: no other process
// writes to it meanwhile.
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

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_STORE_H_
