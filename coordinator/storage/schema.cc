#include "coordinator/storage/schema.h"

#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

constexpr char kTable[] = "migrations";

// Within a transaction.
absl::Status ApplyFrom(SqlConnection& connection, Migrations migrations, int version) {
  for (int number = version + 1; number <= LatestSchemaVersion(migrations); ++number) {
    const Migration& migration = migrations[number - 1];
    if (absl::Status status = connection.Execute(migration.sql); !status.ok()) return status;
    if (migration.fill != nullptr) {
      if (absl::Status status = migration.fill(connection); !status.ok()) return status;
    }
    SqlStatement insert = connection.Prepare("INSERT INTO migrations (number) VALUES (?)");
    if (absl::Status status = insert.Bind(number).Run(); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status WrongVersion(const SqlConnection& connection, int version, int latest) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the store ", connection.name(), " has schema ", version, ", this program works with schema ", latest,
      version > latest ? ": use a newer version of Understudy" : ": start a coordinator on it once to upgrade it"));
}

}  // namespace

absl::StatusOr<int> ReadSchemaVersion(SqlConnection& connection) {
  const absl::StatusOr<bool> found = connection.HasTable(kTable);
  if (!found.ok()) return found.status();
  int version = 0;
  if (*found) {
    SqlStatement last = connection.Prepare("SELECT max(number) FROM migrations");
    const absl::StatusOr<bool> row = last.Step();
    if (!row.ok()) return row.status();
    version = static_cast<int>(last.Int64(0));
  }
  if (version < 1) {
    return absl::DataLossError(absl::StrCat(connection.name(), " is not an Understudy store: it has no schema"));
  }
  return version;
}

absl::Status CreateSchema(SqlConnection& connection, Migrations migrations) {
  return connection.Transact(SqlConnection::Access::kWrite, "create the store", [&](SqlConnection& database) {
    const absl::Status status = database.Execute("CREATE TABLE migrations (number INTEGER PRIMARY KEY)");
    return status.ok() ? ApplyFrom(database, migrations, 0) : status;
  });
}

absl::Status UpgradeSchema(SqlConnection& connection, Migrations migrations) {
  const absl::StatusOr<int> version = ReadSchemaVersion(connection);
  if (!version.ok()) return version.status();
  const int latest = LatestSchemaVersion(migrations);
  if (*version > latest) return WrongVersion(connection, *version, latest);
  if (*version == latest) return absl::OkStatus();
  return connection.Transact(SqlConnection::Access::kWrite, "upgrade the store",
                             [&](SqlConnection& database) { return ApplyFrom(database, migrations, *version); });
}

absl::Status CheckSchema(SqlConnection& connection, Migrations migrations) {
  const absl::StatusOr<int> version = ReadSchemaVersion(connection);
  if (!version.ok()) return version.status();
  const int latest = LatestSchemaVersion(migrations);
  return *version == latest ? absl::OkStatus() : WrongVersion(connection, *version, latest);
}

}  // namespace understudy
