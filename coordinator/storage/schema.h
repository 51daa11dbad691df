// The tables of a store, as numbered migrations: each version of the program adds migrations at the end and never
// changes an earlier one. The table `migrations` holds the numbers of those that were applied.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_SCHEMA_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_SCHEMA_H_

#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/storage/sql_connection.h"

namespace understudy {

// Statements, separated by semicolons; the first migration is number 1.
using Migrations = std::span<const char* const>;

// The schema that this program works with: the number of its last migration.
inline int LatestSchemaVersion(Migrations migrations) { return static_cast<int>(migrations.size()); }

// The number of the last migration that was applied to the database. DATA_LOSS: there is none; it is not a store.
absl::StatusOr<int> ReadSchemaVersion(SqlConnection& connection);

// Applies all to an empty database, in one transaction.
absl::Status CreateSchema(SqlConnection& connection, Migrations migrations);

// Applies what is missing, in one transaction; where nothing is, only reads. FAILED_PRECONDITION names both numbers
// where the database has the newer schema. DATA_LOSS: not a store.
absl::Status UpgradeSchema(SqlConnection& connection, Migrations migrations);

// FAILED_PRECONDITION names both numbers where the database's schema is not the latest.
absl::Status CheckSchema(SqlConnection& connection, Migrations migrations);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_SCHEMA_H_
