#include "coordinator/storage/sql_store.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace understudy {

SqlStore::SqlStore(std::unique_ptr<SqlConnection> writer, std::unique_ptr<SqlConnection> reader)
    : writer_(writer == nullptr ? nullptr : std::make_unique<GroupCommit>(std::move(writer))),
      reader_(std::move(reader)) {}

absl::StatusOr<int64_t> SqlStore::NextIncarnation() {
  int64_t value = 0;
  const absl::Status status = Write("count up the incarnation", [&](SqlConnection& database) {
    SqlStatement next = database.Prepare(
        "INSERT INTO counters (name, value) VALUES ('incarnation', 1) "
        "ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value");
    const absl::StatusOr<bool> row = next.Step();
    if (!row.ok()) return row.status();
    value = next.Int64(0);
    return next.Run();
  });
  if (!status.ok()) return status;
  return value;
}

absl::Status SqlStore::Write(const std::string& operation, const Body& body) {
  if (writer_ == nullptr) {
    return absl::PermissionDeniedError(absl::StrCat("cannot ", operation, ": the store is open for reading only"));
  }
  return writer_->Run(operation, body);
}

absl::Status SqlStore::WriteAndDrop(const std::string& operation,
                                    const std::function<absl::Status(SqlConnection&, bool drop)>& body) {
  // After damage only a new transaction helps: SQLite cannot go back to a savepoint then.
  const absl::Status status = Write(operation, [&](SqlConnection& database) { return body(database, true); });
  if (!absl::IsDataLoss(status)) return status;
  return Write(operation, [&](SqlConnection& database) { return body(database, false); });
}

absl::Status SqlStore::Read(const std::string& operation, const Body& body) {
  MutexLock lock(read_mutex_);
  return reader_->Transact(SqlConnection::Access::kRead, operation, body);
}

}  // namespace understudy
