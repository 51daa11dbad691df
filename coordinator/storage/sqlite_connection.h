// One connection to an SQLite database: statements that clean up after themselves, transactions as functions, and
// SQLite's errors as statuses that name the operation and the file.
//
// Thread-compatible: a connection and its statements are for one thread at a time.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_CONNECTION_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_CONNECTION_H_

#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace understudy {

class SqliteConnection;

// A parameter that is bytes, not text.
struct Blob {
  std::string_view bytes;
};

// A prepared statement in use; it goes back to its connection when destroyed. Preparing and binding do not fail: the
// first error of either comes out of Step or Run.
class SqliteStatement {
 public:
  SqliteStatement(SqliteConnection& connection, sqlite3_stmt* statement, absl::Status status)
      : connection_(connection), statement_(statement), status_(std::move(status)) {}
  ~SqliteStatement() { Reset(); }
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  // Starts over with these parameters: integers, doubles, text, Blob, std::nullopt. Text and blobs are not copied: they
  // must live until the statement is bound anew or destroyed.
  template <typename... Values>
  SqliteStatement& Bind(const Values&... values) {
    Reset();
    int index = 0;
    (BindOne(++index, values), ...);
    return *this;
  }

  // Goes to the next row: true where there is one.
  absl::StatusOr<bool> Step();
  // Runs a statement whose rows, if any, do not matter.
  absl::Status Run();

  // Columns of the current row, from 0. Views live until the next Step or Bind.
  int64_t Int64(int column) const { return sqlite3_column_int64(statement_, column); }
  double Double(int column) const { return sqlite3_column_double(statement_, column); }
  std::string_view Bytes(int column) const;
  std::string String(int column) const { return std::string(Bytes(column)); }

 private:
  void Reset();
  template <typename Value>
  void BindOne(int index, const Value& value) {
    if constexpr (std::is_integral_v<Value>) {
      Note(sqlite3_bind_int64(statement_, index, static_cast<int64_t>(value)));
    } else if constexpr (std::is_floating_point_v<Value>) {
      Note(sqlite3_bind_double(statement_, index, value));
    } else if constexpr (std::is_same_v<Value, std::nullopt_t>) {
      Note(sqlite3_bind_null(statement_, index));
    } else if constexpr (std::is_same_v<Value, Blob>) {
      BindBlob(index, value.bytes);
    } else {
      BindText(index, value);
    }
  }
  void BindBlob(int index, std::string_view bytes);
  void BindText(int index, std::string_view text);
  void Note(int code);

  SqliteConnection& connection_;
  sqlite3_stmt* statement_;  // owned by the connection; null where preparing failed
  absl::Status status_;
};

class SqliteConnection {
 public:
  enum class Mode {
    kCreate,     // makes the file where there is none
    kWrite,      // the file must exist and be writable
    kRead,       // the file must exist
    kImmutable,  // the same, for a file that nobody can be changing: takes no locks, needs no writable directory
  };
  enum class Access { kRead, kWrite };

  // Reads nothing yet: a damaged file is found by the first statement. Waits up to 5 s for locks of other processes.
  static absl::StatusOr<std::unique_ptr<SqliteConnection>> Open(const std::string& path, Mode mode);

  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  // Statements are kept by their text for the next time. Only one of a text may be in use at a time.
  SqliteStatement Prepare(std::string_view sql);

  // Runs statements, separated by semicolons, without parameters or rows.
  absl::Status Execute(const char* sql);

  // Runs `body` in a transaction: all or nothing, durable once OK is returned. An error of the body rolls back and is
  // returned. Meanwhile, messages of SQLite's errors begin with "cannot `operation`".
  absl::Status Transact(Access access, std::string operation,
                        const std::function<absl::Status(SqliteConnection&)>& body);

  // Rows that the last INSERT, UPDATE or DELETE changed.
  int64_t changes() const { return sqlite3_changes64(database_); }

  // What SQLite's result code means here: RESOURCE_EXHAUSTED (disk full, or too big), DATA_LOSS (damaged),
  // PERMISSION_DENIED (not writable, not readable), ALREADY_EXISTS (a constraint), UNAVAILABLE (anything else).
  absl::Status Error(int code) const;

  const std::string& path() const { return path_; }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };

  SqliteConnection(std::string path, sqlite3* database) : path_(std::move(path)), database_(database) {}

  const std::string path_;
  sqlite3* const database_;
  std::string operation_ = "open the store";
  std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>, std::less<>> statements_;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_SQLITE_CONNECTION_H_
