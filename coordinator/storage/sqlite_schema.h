// The tables of the SQLite store, as numbered migrations: each version of the program adds migrations at the end and
// never changes an earlier one. The table `migrations` holds the numbers of those that were applied.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_SCHEMA_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_SCHEMA_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/storage/sqlite_connection.h"

namespace understudy {

// The schema that this program works with: the number of its last migration.
int LatestSchemaVersion();

// The number of the last migration that was applied to the database. DATA_LOSS: there is none; it is not a store.
absl::StatusOr<int> ReadSchemaVersion(SqliteConnection& connection);

// Applies all migrations to an empty database, in one transaction.
absl::Status CreateSchema(SqliteConnection& connection);

// Applies what is missing, in one transaction; where nothing is, only reads. FAILED_PRECONDITION names both numbers
// where the database has the newer schema. DATA_LOSS: not a store.
absl::Status UpgradeSchema(SqliteConnection& connection);

// FAILED_PRECONDITION names both numbers where the database's schema is not the latest.
absl::Status CheckSchema(SqliteConnection& connection);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_SCHEMA_H_
