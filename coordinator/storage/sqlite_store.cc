#include "coordinator/storage/sqlite_store.h"

#include <spdlog/spdlog.h>

#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/storage/files.h"
#include "coordinator/storage/schema.h"
#include "coordinator/storage/sqlite_connection.h"

namespace understudy {
namespace {

using FileConnection = std::unique_ptr<SqliteConnection>;
using Mode = SqliteConnection::Mode;

// Makes the whole database in `path`, in one file and not yet synced.
absl::Status CreateDatabase(const std::string& path) {
  absl::StatusOr<FileConnection> connection = SqliteConnection::Open(path, Mode::kCreate);
  if (!connection.ok()) return connection.status();
  // Whatever happens to this file before it gets its name does not matter, so nothing is synced yet.
  absl::Status status =
      (*connection)->Execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA auto_vacuum = INCREMENTAL");
  if (status.ok()) status = CreateSchema(**connection, SqliteMigrations());
  // Stays with the file. Closing the connection leaves nothing in the log.
  if (status.ok()) status = (*connection)->Execute("PRAGMA journal_mode = WAL");
  return status;
}

// A store made by an earlier release keeps the space of what is deleted for later, unless it is written anew once. A
// large one is not, because nobody expects to wait for that here; `understudy store migrate` does it.
constexpr uintmax_t kMostRewritten = uintmax_t{256} << 20;

absl::Status LetSpaceBeReleased(SqliteConnection& connection) {
  const absl::StatusOr<int64_t> mode = connection.Pragma("auto_vacuum");
  if (!mode.ok() || *mode != 0) return mode.status();
  std::error_code error;
  if (std::filesystem::file_size(connection.name(), error) > kMostRewritten || error) return absl::OkStatus();
  const absl::Status status = connection.Execute("PRAGMA auto_vacuum = INCREMENTAL; VACUUM");
  // Without it everything works but giving space back: on a full disk, or beside somebody who reads.
  if (!status.ok()) spdlog::info("space of what is deleted will be kept for later: {}", std::string(status.message()));
  return absl::OkStatus();
}

absl::StatusOr<FileConnection> OpenWriter(const std::string& path, int64_t max_bytes) {
  absl::StatusOr<FileConnection> writer = SqliteConnection::Open(path, Mode::kWrite);
  if (!writer.ok()) return writer;
  if (absl::Status status = UpgradeSchema(**writer, SqliteMigrations()); !status.ok()) return status;
  // The log is cut again after a large deletion has made it long.
  absl::Status status = (*writer)->Execute(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; "
      "PRAGMA journal_size_limit = 16777216");
  if (status.ok() && max_bytes > 0) {
    const absl::StatusOr<int64_t> page_size = (*writer)->Pragma("page_size");
    if (!page_size.ok()) return page_size.status();
    status = (*writer)->Execute(absl::StrCat("PRAGMA max_page_count = ", max_bytes / *page_size).c_str());
  }
  if (status.ok()) status = LetSpaceBeReleased(**writer);
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
