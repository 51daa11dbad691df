// The tables of a store, as numbered migrations. A version of the program adds migrations at the end and never changes
// an earlier one. The table `migrations` holds the numbers of the migrations that were applied.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_SCHEMA_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_SCHEMA_H_

#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/storage/sql_connection.h"

namespace understudy {

struct Migration {
  const char* sql;                                 // statements, separated by semicolons
  absl::Status (*fill)(SqlConnection&) = nullptr;  // afterwards: fills what SQL alone cannot
};

// The first migration is number 1.
using Migrations = std::span<const Migration>;

Migrations SqliteMigrations();
Migrations PostgresMigrations();

// Returns the schema that this program works with: the number of its last migration.
inline int LatestSchemaVersion(Migrations migrations) { return static_cast<int>(migrations.size()); }

// Returns the number of the last migration that was applied.
// DATA_LOSS: there is none; the database is not a store.
absl::StatusOr<int> ReadSchemaVersion(SqlConnection& connection);

// Applies all migrations to an empty database, in one transaction.
absl::Status CreateSchema(SqlConnection& connection, Migrations migrations);

// Applies the migrations that are missing, in one transaction. If none is missing, it only reads.
// FAILED_PRECONDITION: the database has a newer schema; the message names both numbers.
// DATA_LOSS: the database is not a store.
absl::Status UpgradeSchema(SqlConnection& connection, Migrations migrations);

// Checks that the database's schema is the latest.
// FAILED_PRECONDITION: it is not; the message names both numbers.
absl::Status CheckSchema(SqlConnection& connection, Migrations migrations);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_SCHEMA_H_
