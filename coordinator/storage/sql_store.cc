#include "coordinator/storage/sql_store.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/metrics/latencies.h"

namespace understudy {
namespace {

// What the caller asked for, or what there is, is no failure of the store.
bool IsFailure(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) || absl::IsDataLoss(status) ||
         absl::IsInternal(status) || absl::IsUnknown(status);
}

// Measures one transaction, if anybody wants that.
class Timer {
 public:
  Timer(Latencies* latencies, const char* method)
      : latencies_(latencies), method_(method), begin_(std::chrono::steady_clock::now()) {}

  absl::Status Observe(absl::Status status) const {
    if (latencies_ == nullptr) return status;
    latencies_->Observe(method_, absl::FromChrono(std::chrono::steady_clock::now() - begin_));
    if (IsFailure(status)) latencies_->Count(method_, status.code());
    return status;
  }

 private:
  Latencies* const latencies_;
  const char* const method_;
  const std::chrono::steady_clock::time_point begin_;
};

// Releases so many pages in a transaction, which takes some 30 ms.
constexpr int64_t kReleasedPages = 4096;

}  // namespace

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

void SqlStore::ReleaseSpace() {
  bool more = true;
  while (more) {
    const absl::Status status = Write("give space back", [&](SqlConnection& database) {
      const absl::StatusOr<bool> released = database.ReleasePages(kReleasedPages);
      more = released.value_or(false);
      return released.status();
    });
    if (!status.ok()) spdlog::warn("{}", std::string(status.message()));
    more = more && status.ok();
  }
}

absl::Status SqlStore::Write(const std::string& operation, const Body& body, const char* method) {
  if (writer_ == nullptr) {
    return absl::PermissionDeniedError(absl::StrCat("cannot ", operation, ": the store is open for reading only"));
  }
  const Timer timer(latencies_, method);
  return timer.Observe(writer_->Run(operation, body));
}

absl::Status SqlStore::WriteAndDrop(const std::string& operation,
                                    const std::function<absl::Status(SqlConnection&, bool drop)>& body,
                                    const char* method) {
  // After damage only a new transaction helps: SQLite cannot go back to a savepoint then.
  const absl::Status status = Write(operation, [&](SqlConnection& database) { return body(database, true); }, method);
  if (!absl::IsDataLoss(status)) return status;
  return Write(operation, [&](SqlConnection& database) { return body(database, false); }, method);
}

absl::Status SqlStore::Read(const std::string& operation, const Body& body, const char* method) {
  const Timer timer(latencies_, method);
  MutexLock lock(read_mutex_);
  return timer.Observe(reader_->Transact(SqlConnection::Access::kRead, operation, body));
}

}  // namespace understudy
