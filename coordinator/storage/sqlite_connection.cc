#include "coordinator/storage/sqlite_connection.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

constexpr int kBusyTimeoutMs = 5000;

int OpenFlags(SqliteConnection::Mode mode) {
  // Our callers serialise the use of a connection; SQLite need not do it again.
  constexpr int kCommon = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  switch (mode) {
    case SqliteConnection::Mode::kCreate:
      return kCommon | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case SqliteConnection::Mode::kWrite:
      return kCommon | SQLITE_OPEN_READWRITE;
    case SqliteConnection::Mode::kRead:
      return kCommon | SQLITE_OPEN_READONLY;
    case SqliteConnection::Mode::kImmutable:
      return kCommon | SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
  }
  return kCommon;
}

// Every byte that could mean something else in a URI is escaped.
std::string ImmutableUri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '/' || c == '.' || c == '_' || c == '-') {
      uri.push_back(c);
    } else {
      absl::StrAppend(&uri, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    }
  }
  return uri + "?immutable=1";
}

bool IsFull(int system_error) { return system_error == ENOSPC || system_error == EDQUOT; }

absl::StatusCode CodeOf(int sqlite_code, int system_error) {
  switch (sqlite_code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_TOOBIG:
      return absl::StatusCode::kResourceExhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StatusCode::kDataLoss;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      return absl::StatusCode::kPermissionDenied;
    case SQLITE_CONSTRAINT:
      return absl::StatusCode::kAlreadyExists;
    case SQLITE_IOERR:
      // Where it is not a plain write that finds the disk full, SQLite says only that something went wrong.
      return IsFull(system_error) ? absl::StatusCode::kResourceExhausted : absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

// The system's reason for what went wrong last; 0: SQLite knows none.
int SystemErrorOf(sqlite3* database, int code) {
  int error = sqlite3_system_errno(database);
  if (error != 0 || (code & 0xff) != SQLITE_IOERR) return error;
  // For a statement that fails, only the files know: the database's, or the log's.
  sqlite3_file_control(database, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
  sqlite3_file* log = nullptr;
  if (error == 0 && sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
      log != nullptr && log->pMethods != nullptr) {
    log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error);
  }
  return error;
}

// What is wrong with the file, in words that need no knowledge of SQLite.
std::string Reason(int sqlite_code, int system_error, const char* detail, const std::string& path) {
  switch (sqlite_code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::StrCat(path, " is damaged (", detail, ")");
    case SQLITE_IOERR:
      if (IsFull(system_error))
        return absl::StrCat("the disk of ", path, " is full (", std::strerror(system_error), ")");
      [[fallthrough]];
    case SQLITE_CANTOPEN:
      if (system_error == 0) break;
      return absl::StrCat(detail, " (", std::strerror(system_error), ") in ", path);
    default:
      break;
  }
  return absl::StrCat(detail, " in ", path);
}

}  // namespace

class SqliteConnection::Statement final : public PreparedStatement {
 public:
  Statement(const SqliteConnection& connection, sqlite3_stmt* statement)
      : connection_(connection), statement_(statement) {}
  ~Statement() override { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  void Reset() override {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    error_ = absl::OkStatus();
  }
  void BindInt64(int index, int64_t value) override { Note(sqlite3_bind_int64(statement_, index, value)); }
  void BindDouble(int index, double value) override { Note(sqlite3_bind_double(statement_, index, value)); }
  // A null pointer would bind NULL.
  void BindText(int index, std::string_view text) override {
    Note(sqlite3_bind_text64(statement_, index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC,
                             SQLITE_UTF8));
  }
  void BindBlob(int index, std::string_view bytes) override {
    Note(sqlite3_bind_blob64(statement_, index, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC));
  }
  void BindNull(int index) override { Note(sqlite3_bind_null(statement_, index)); }

  absl::StatusOr<bool> Step() override {
    if (!error_.ok()) return error_;
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return connection_.Error(code);
  }

  int64_t Int64(int column) const override { return sqlite3_column_int64(statement_, column); }
  double Double(int column) const override { return sqlite3_column_double(statement_, column); }
  std::string_view Bytes(int column) const override {
    // The pointer first: asking for it may convert the value and so change its length.
    const void* bytes = sqlite3_column_blob(statement_, column);
    return {static_cast<const char*>(bytes), static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  void Note(int code) {
    if (code != SQLITE_OK && error_.ok()) error_ = connection_.Error(code);
  }

  const SqliteConnection& connection_;
  sqlite3_stmt* const statement_;
  absl::Status error_;
};

absl::StatusOr<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(const std::string& path, Mode mode) {
  sqlite3* database = nullptr;
  const std::string name = mode == Mode::kImmutable ? ImmutableUri(path) : path;
  const int code = sqlite3_open_v2(name.c_str(), &database, OpenFlags(mode), nullptr);
  // Even a failed one must be closed, and holds the message.
  auto connection = std::unique_ptr<SqliteConnection>(new SqliteConnection(path, database));
  if (code != SQLITE_OK) return connection->Error(code);
  // SQLite opens for reading what it may not write to, and says so only when asked.
  if (mode == Mode::kWrite && sqlite3_db_readonly(database, "main") != 0) {
    return absl::PermissionDeniedError(absl::StrCat("cannot open the store: ", path, " cannot be written to"));
  }
  sqlite3_busy_timeout(database, kBusyTimeoutMs);
  return connection;
}

SqliteConnection::~SqliteConnection() {
  statements_.clear();
  sqlite3_close(database_);
}

SqlStatement SqliteConnection::Prepare(std::string_view sql) {
  if (const auto known = statements_.find(sql); known != statements_.end()) return SqlStatement(*known->second);
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                                      &statement, nullptr);
  if (code != SQLITE_OK) return SqlStatement(Error(code));
  const auto added = statements_.emplace(sql, std::make_unique<Statement>(*this, statement)).first;
  return SqlStatement(*added->second);
}

absl::Status SqliteConnection::Execute(const char* sql) {
  const int code = sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Error(code);
}

absl::Status SqliteConnection::Transact(Access access, std::string operation,
                                        const std::function<absl::Status(SqlConnection&)>& body) {
  operation_ = std::move(operation);
  // A transaction that will write says so at once: one that reads first could find itself overtaken.
  absl::Status status = Prepare(access == Access::kWrite ? "BEGIN IMMEDIATE" : "BEGIN").Run();
  if (!status.ok()) return status;
  status = body(*this);
  if (status.ok()) status = Prepare("COMMIT").Run();
  // Some errors have ended the transaction already.
  if (!status.ok() && sqlite3_get_autocommit(database_) == 0) Prepare("ROLLBACK").Run().IgnoreError();
  return status;
}

absl::StatusOr<bool> SqliteConnection::HasTable(std::string_view name) {
  return Prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").Bind(name).Step();
}

absl::StatusOr<bool> SqliteConnection::ReleasePages(int64_t pages) {
  const absl::StatusOr<int64_t> before = Pragma("freelist_count");
  if (!before.ok()) return before.status();
  if (*before == 0) return false;
  const absl::Status status = Execute(absl::StrCat("PRAGMA incremental_vacuum(", pages, ")").c_str());
  if (!status.ok()) return status;
  const absl::StatusOr<int64_t> after = Pragma("freelist_count");
  if (!after.ok()) return after.status();
  return *after > 0 && *after < *before;
}

absl::StatusOr<int64_t> SqliteConnection::Pragma(const std::string& name) {
  SqlStatement pragma = Prepare(absl::StrCat("PRAGMA ", name));
  const absl::StatusOr<bool> row = pragma.Step();
  if (!row.ok()) return row.status();
  return *row ? pragma.Int64(0) : 0;
}

absl::Status SqliteConnection::Error(int code) const {
  // Out of memory there may be no database at all.
  const char* detail = database_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database_);
  const int system_error = database_ == nullptr ? 0 : SystemErrorOf(database_, code);
  return absl::Status(CodeOf(code, system_error),
                      absl::StrCat("cannot ", operation_, ": ", Reason(code, system_error, detail, path_)));
}

}  // namespace understudy
