// A connection to an SQL database, SQLite or PostgreSQL. Statements clean up after themselves, a transaction is a
// function, and the database's errors become statuses that name the operation and the database.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_SQL_CONNECTION_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_SQL_CONNECTION_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace understudy {

// Bytes as a parameter; a std::string_view is text.
struct Blob {
  std::string_view bytes;
};

// The value of a parameter.
using SqlValue = std::variant<int64_t, double, std::string_view, Blob>;

// A statement as a database's client library holds it. Parameters are numbered from 1, columns from 0. Binding does not
// fail: Step returns the first error of binding.
class PreparedStatement {
 public:
  virtual ~PreparedStatement() = default;

  // Drops parameters, rows and errors.
  virtual void Reset() = 0;
  virtual void BindInt64(int index, int64_t value) = 0;
  virtual void BindDouble(int index, double value) = 0;
  // Text and bytes are not copied: they must live until Reset.
  virtual void BindText(int index, std::string_view text) = 0;
  virtual void BindBlob(int index, std::string_view bytes) = 0;
  virtual void BindNull(int index) = 0;
  virtual absl::StatusOr<bool> Step() = 0;
  virtual int64_t Int64(int column) const = 0;
  virtual double Double(int column) const = 0;
  virtual std::string_view Bytes(int column) const = 0;
};

// A prepared statement in use. It goes back to its connection when destroyed. Preparing and binding do not fail: Step
// or Run returns the first error of either.
class SqlStatement {
 public:
  explicit SqlStatement(PreparedStatement& prepared) : prepared_(&prepared) {}
  // A statement that could not be prepared.
  explicit SqlStatement(absl::Status error) : error_(std::move(error)) {}
  ~SqlStatement() {
    if (prepared_ != nullptr) prepared_->Reset();
  }
  SqlStatement(const SqlStatement&) = delete;
  SqlStatement& operator=(const SqlStatement&) = delete;

  // Starts over with these parameters: integers, doubles, text, Blob, std::nullopt. Text and blobs are not copied: they
  // must live until the next Bind or the statement's end.
  template <typename... Values>
  SqlStatement& Bind(const Values&... values) {
    if (prepared_ == nullptr) return *this;
    prepared_->Reset();
    int index = 0;
    (BindOne(++index, values), ...);
    return *this;
  }

  // Binds as Bind does, for a number of parameters that is known only at run time.
  SqlStatement& BindValues(const std::vector<SqlValue>& values);

  // Goes to the next row. False: there is none.
  absl::StatusOr<bool> Step() {
    if (prepared_ == nullptr) return error_;
    return prepared_->Step();
  }
  // Runs a statement whose rows, if any, do not matter.
  absl::Status Run();

  // Return a column of the current row; columns are numbered from 0. Views live until the next Step or Bind.
  int64_t Int64(int column) const { return prepared_->Int64(column); }
  double Double(int column) const { return prepared_->Double(column); }
  std::string_view Bytes(int column) const { return prepared_->Bytes(column); }
  std::string String(int column) const { return std::string(Bytes(column)); }

 private:
  template <typename Value>
  void BindOne(int index, const Value& value) {
    if constexpr (std::is_integral_v<Value>) {
      prepared_->BindInt64(index, static_cast<int64_t>(value));
    } else if constexpr (std::is_floating_point_v<Value>) {
      prepared_->BindDouble(index, value);
    } else if constexpr (std::is_same_v<Value, std::nullopt_t>) {
      prepared_->BindNull(index);
    } else if constexpr (std::is_same_v<Value, Blob>) {
      prepared_->BindBlob(index, value.bytes);
    } else {
      prepared_->BindText(index, value);
    }
  }

  PreparedStatement* const prepared_ = nullptr;  // owned by the connection
  const absl::Status error_;
};

// Thread-compatible: one thread at a time uses a connection and its statements.
class SqlConnection {
 public:
  enum class Access { kRead, kWrite };

  virtual ~SqlConnection() = default;

  // Prepares a statement whose parameters are question marks. The connection keeps it under its text for the next time;
  // only one statement of a text may be in use at a time.
  virtual SqlStatement Prepare(std::string_view sql) = 0;

  // Runs statements, separated by semicolons, without parameters or rows.
  virtual absl::Status Execute(const char* sql) = 0;

  // Runs `body` in a transaction: all or nothing, and durable once OK is returned. If `body` returns an error,
  // everything is rolled back and the error is returned. `body` may run more than once; everything but the last run is
  // rolled back. Errors of the database begin with "cannot `operation`".
  // UNAVAILABLE: the database cannot be reached. The change may have been committed all the same, if the connection
  // broke during the commit.
  virtual absl::Status Transact(Access access, std::string operation,
                                const std::function<absl::Status(SqlConnection&)>& body) = 0;

  // Returns the number of rows that an INSERT, UPDATE or DELETE changed. Ask right after running it.
  virtual int64_t changes() const = 0;

  virtual absl::StatusOr<bool> HasTable(std::string_view name) = 0;

  // Returns free pages to the file system, at most `pages` of them. Says whether there are more to return; false if the
  // database does so by itself, or cannot.
  virtual absl::StatusOr<bool> ReleasePages(int64_t pages) = 0;

  // Makes the database give new rows numbers above the largest one in `column`. Call it after rows were inserted that
  // had numbers already.
  virtual absl::Status NumberOn(const std::string& table, const std::string& column) = 0;

  // Returns the database's name in messages.
  virtual const std::string& name() const = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_SQL_CONNECTION_H_
