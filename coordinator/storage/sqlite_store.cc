#include "coordinator/storage/sqlite_store.h"

#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/storage/files.h"
#include "coordinator/storage/sqlite_connection.h"
#include "coordinator/storage/sqlite_schema.h"

namespace understudy {
namespace {

using FileConnection = std::unique_ptr<SqliteConnection>;
using Mode = SqliteConnection::Mode;

// Makes the whole database in `path`, in one file and not yet synced.
absl::Status CreateDatabase(const std::string& path) {
  absl::StatusOr<FileConnection> connection = SqliteConnection::Open(path, Mode::kCreate);
  if (!connection.ok()) return connection.status();
  // Whatever happens to this file before it gets its name does not matter, so nothing is synced yet.
  absl::Status status = (*connection)->Execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
  if (status.ok()) status = CreateSchema(**connection, SqliteMigrations());
  // Stays with the file. Closing the connection leaves nothing in the log.
  if (status.ok()) status = (*connection)->Execute("PRAGMA journal_mode = WAL");
  return status;
}

absl::StatusOr<FileConnection> OpenWriter(const std::string& path, int64_t max_bytes) {
  absl::StatusOr<FileConnection> writer = SqliteConnection::Open(path, Mode::kWrite);
  if (!writer.ok()) return writer;
  if (absl::Status status = UpgradeSchema(**writer, SqliteMigrations()); !status.ok()) return status;
  absl::Status status =
      (*writer)->Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
  if (status.ok() && max_bytes > 0) {
    SqlStatement page_size = (*writer)->Prepare("PRAGMA page_size");
    const absl::StatusOr<bool> row = page_size.Step();
    if (!row.ok()) return row.status();
    status = (*writer)->Execute(absl::StrCat("PRAGMA max_page_count = ", max_bytes / page_size.Int64(0)).c_str());
  }
  if (!status.ok()) return status;
  return writer;
}

// SQLite takes an empty file for a new database, and deletes the log beside it.
absl::Status CheckNotEmpty(const std::string& path) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) != 0 || error) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("cannot open the store: ", path, " is damaged (it is empty)"));
}

// In WAL mode even readers write to a file of locks, so a directory that nobody may write to needs care.
absl::StatusOr<FileConnection> OpenReadOnly(const std::string& path) {
  absl::StatusOr<FileConnection> reader = SqliteConnection::Open(path, Mode::kRead);
  if (!reader.ok()) return reader;
  absl::Status status = CheckSchema(**reader, SqliteMigrations());
  if (status.ok()) return reader;
  std::error_code error;
  const uintmax_t log_bytes = std::filesystem::file_size(path + "-wal", error);
  const bool log_is_empty = error || log_bytes == 0;
  if (absl::IsPermissionDenied(status) && log_is_empty) {
    reader = SqliteConnection::Open(path, Mode::kImmutable);
    if (!reader.ok()) return reader;
    status = CheckSchema(**reader, SqliteMigrations());
    if (status.ok()) return reader;
  }
  return status;
}

}  // namespace

absl::Status SqliteStore::Create(const std::string& path) {
  // The file gets its name when it is whole and on disk: a store that is there is never half made.
  const std::string unfinished = path + ".new";
  std::remove(unfinished.c_str());
  absl::Status status = CreateDatabase(unfinished);
  if (status.ok()) status = SyncFile(unfinished);
  if (status.ok()) status = RenameFile(unfinished, path);
  if (!status.ok()) {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) std::remove((unfinished + suffix).c_str());
    return status;
  }
  return SyncFile(DirectoryOf(path));
}

absl::StatusOr<std::unique_ptr<SqliteStore>> SqliteStore::Open(const std::string& path, const Options& options) {
  if (absl::Status status = CheckNotEmpty(path); !status.ok()) return status;
  std::unique_ptr<SqlConnection> writer;
  if (!options.read_only) {
    absl::StatusOr<FileConnection> opened = OpenWriter(path, options.max_bytes);
    if (!opened.ok()) return opened.status();
    writer = *std::move(opened);
  }
  absl::StatusOr<FileConnection> reader = OpenReadOnly(path);
  if (!reader.ok()) return reader.status();
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(writer), *std::move(reader)));
}

}  // namespace understudy
