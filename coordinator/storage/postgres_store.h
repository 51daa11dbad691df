// The store on a PostgreSQL server, for coordinators that stand by for one another, and datasets that outgrow a
// machine.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_STORE_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_STORE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/storage/sql_store.h"
#include "coordinator/storage/store_fence.h"

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

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_STORE_H_
