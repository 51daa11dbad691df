// A connection to an SQLite database, which is a file.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_CONNECTION_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_CONNECTION_H_

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/storage/sql_connection.h"

namespace understudy {

class SqliteConnection final : public SqlConnection {
 public:
  enum class Mode {
    kCreate,     // makes the file where there is none
    kWrite,      // the file must exist and be writable
    kRead,       // the file must exist
    kImmutable,  // the file must exist, and nobody can be changing it: takes no locks, needs no writable directory
  };

  // Opens a connection without reading: the first statement finds a damaged file. Statements wait up to 5 s for locks
  // of other processes.
  static absl::StatusOr<std::unique_ptr<SqliteConnection>> Open(const std::string& path, Mode mode);

  ~SqliteConnection() override;
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  SqlStatement Prepare(std::string_view sql) override;
  absl::Status Execute(const char* sql) override;
  absl::Status Transact(Access access, std::string operation,
                        const std::function<absl::Status(SqlConnection&)>& body) override;
  int64_t changes() const override { return sqlite3_changes64(database_); }
  absl::StatusOr<bool> HasTable(std::string_view name) override;
  absl::StatusOr<bool> ReleasePages(int64_t pages) override;
  // Returns the value of a pragma that is a number.
  absl::StatusOr<int64_t> Pragma(const std::string& name);
  // Does nothing: SQLite always numbers on behind the largest.
  absl::Status NumberOn(const std::string&, const std::string&) override { return absl::OkStatus(); }
  // Returns the file's path.
  const std::string& name() const override { return path_; }

 private:
  class Statement;

  SqliteConnection(std::string path, sqlite3* database) : path_(std::move(path)), database_(database) {}

  // Returns SQLite's result code as a status: RESOURCE_EXHAUSTED (disk full, or too big), DATA_LOSS (damaged),
  // PERMISSION_DENIED (not writable, not readable), ALREADY_EXISTS (a constraint), UNAVAILABLE (anything else).
  absl::Status Error(int code) const;

  const std::string path_;
  sqlite3* const database_;
  std::string operation_ = "open the store";
  std::map<std::string, std::unique_ptr<PreparedStatement>, std::less<>> statements_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_CONNECTION_H_
