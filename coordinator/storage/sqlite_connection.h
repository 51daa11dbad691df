// SqlConnection to an SQLite database.
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
    kImmutable,  // the same, for a file that nobody can be changing: takes no locks, needs no writable directory
  };

  // Reads nothing yet: a damaged file is found by the first statement. Waits up to 5 s for locks of other processes.
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
  // SQLite does so by itself.
  absl::Status NumberOn(const std::string&, const std::string&) override { return absl::OkStatus(); }
  // The file's path.
  const std::string& name() const override { return path_; }

 private:
  class Statement;

  SqliteConnection(std::string path, sqlite3* database) : path_(std::move(path)), database_(database) {}

  // What SQLite's result code means here: RESOURCE_EXHAUSTED (disk full, or too big), DATA_LOSS (damaged),
  // PERMISSION_DENIED (not writable, not readable), ALREADY_EXISTS (a constraint), UNAVAILABLE (anything else).
  absl::Status Error(int code) const;

  const std::string path_;
  sqlite3* const database_;
  std::string operation_ = "open the store";
  std::map<std::string, std::unique_ptr<PreparedStatement>, std::less<>> statements_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_CONNECTION_H_
