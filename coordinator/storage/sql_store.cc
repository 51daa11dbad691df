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

absl::Status GroupCommit::Run(const std::string& operation, const Body& body) {
  Change own{.operation = operation, .body = body, .status = absl::OkStatus(), .done = false, .changed = {}};
  std::vector<Change*> changes;
  {
    MutexLock lock(mutex_);
    queue_.push_back(&own);
    while (!own.done && queue_.front() != &own) own.changed.Wait(mutex_);
    if (own.done) return own.status;
    changes.assign(queue_.begin(), queue_.end());
  }
  Write(changes);
  MutexLock lock(mutex_);
  for (Change* change : changes) {
    queue_.pop_front();
    change->done = true;
    if (change != &own) change->changed.NotifyOne();
  }
  if (!queue_.empty()) queue_.front()->changed.NotifyOne();
  return own.status;
}

size_t GroupCommit::waiting() {
  MutexLock lock(mutex_);
  return queue_.size();
}

void GroupCommit::Write(const std::vector<Change*>& changes) {
  if (changes.size() > 1) {
    const absl::Status together =
        connection_->Transact(SqlConnection::Access::kWrite, changes.front()->operation, [&](SqlConnection& database) {
          absl::Status status;
          for (size_t i = 0; status.ok() && i < changes.size(); ++i) status = changes[i]->body(database);
          return status;
        });
    if (together.ok()) return;
    // Each by itself would wait as long, to no other end.
    if (absl::IsUnavailable(together)) {
      for (Change* change : changes) change->status = together;
      return;
    }
  }
  for (Change* change : changes) {
    change->status = connection_->Transact(SqlConnection::Access::kWrite, change->operation, change->body);
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
