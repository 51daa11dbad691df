// One connection to an SQL database, whichever it is: statements that clean up after themselves, transactions as
// functions, and the database's errors as statuses that name the operation and the database.
//
// Thread-compatible: a connection and its statements are for one thread at a time.
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

// A parameter that is bytes, not text.
struct Blob {
  std::string_view bytes;
};

// Any parameter.
using SqlValue = std::variant<int64_t, double, std::string_view, Blob>;

// What a database's client library makes of a statement. Parameters are numbered from 1, columns from 0. Binding does
// not fail: its first error comes out of Step.
class PreparedStatement {
 public:
  virtual ~PreparedStatement() = default;

  // Forgets parameters, rows and errors.
  virtual void Reset() = 0;
  virtual void BindInt64(int index, int64_t value) = 0;
  virtual void BindDouble(int index, double value) = 0;
  // Not copied: they must live until Reset.
  virtual void BindText(int index, std::string_view text) = 0;
  virtual void BindBlob(int index, std::string_view bytes) = 0;
  virtual void BindNull(int index) = 0;
  virtual absl::StatusOr<bool> Step() = 0;
  virtual int64_t Int64(int column) const = 0;
  virtual double Double(int column) const = 0;
  virtual std::string_view Bytes(int column) const = 0;
};

// A prepared statement in use; it goes back to its connection when destroyed. Preparing and binding do not fail: the
// first error of either comes out of Step or Run.
class SqlStatement {
 public:
  explicit SqlStatement(PreparedStatement& prepared) : prepared_(&prepared) {}
  // One that could not be prepared.
  explicit SqlStatement(absl::Status error) : error_(std::move(error)) {}
  ~SqlStatement() {
    if (prepared_ != nullptr) prepared_->Reset();
  }
  SqlStatement(const SqlStatement&) = delete;
  SqlStatement& operator=(const SqlStatement&) = delete;

  // Starts over with these parameters: integers, doubles, text, Blob, std::nullopt. Text and blobs are not copied: they
  // must live until the statement is bound anew or destroyed.
  template <typename... Values>
  SqlStatement& Bind(const Values&... values) {
    if (prepared_ == nullptr) return *this;
    prepared_->Reset();
    int index = 0;
    (BindOne(++index, values), ...);
    return *this;
  }

  // The same with as many as there are.
  SqlStatement& BindValues(const std::vector<SqlValue>& values);

  // Goes to the next row: true where there is one.
  absl::StatusOr<bool> Step() {
    if (prepared_ == nullptr) return error_;
    return prepared_->Step();
  }
  // Runs a statement whose rows, if any, do not matter.
  absl::Status Run();

  // Columns of the current row, from 0. Views live until the next Step or Bind.
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

class SqlConnection {
 public:
  enum class Access { kRead, kWrite };

  virtual ~SqlConnection() = default;

  // Parameters are question marks. Statements are kept by their text for the next time. Only one of a text may be in
  // use at a time.
  virtual SqlStatement Prepare(std::string_view sql) = 0;

  // Runs statements, separated by semicolons, without parameters or rows.
  virtual absl::Status Execute(const char* sql) = 0;

  // Runs `body` in a transaction: all or nothing, durable once OK is returned. An error of the body rolls back and is
  // returned. Meanwhile, messages of the database's errors begin with "cannot `operation`". `body` may run more than
  // once: what an earlier run has done, but for the last, was rolled back.
  virtual absl::Status Transact(Access access, std::string operation,
                                const std::function<absl::Status(SqlConnection&)>& body) = 0;

  // Rows that the last INSERT, UPDATE or DELETE changed.
  virtual int64_t changes() const = 0;

  virtual absl::StatusOr<bool> HasTable(std::string_view name) = 0;

  // Rows were inserted with numbers of their own in a column that the database numbers: from now on it gives out larger
  // ones.
  virtual absl::Status NumberOn(const std::string& table, const std::string& column) = 0;

  // Says in messages which database it is.
  virtual const std::string& name() const = 0;
};

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_SQL_CONNECTION_H_
