#include "coordinator/storage/sql_connection.h"

namespace understudy {

SqlStatement& SqlStatement::BindValues(const std::vector<SqlValue>& values) {
  if (prepared_ == nullptr) return *this;
  prepared_->Reset();
  int index = 0;
  for (const SqlValue& value : values) {
    std::visit([&](const auto& one) { BindOne(++index, one); }, value);
  }
  return *this;
}

absl::Status SqlStatement::Run() {
  while (true) {
    const absl::StatusOr<bool> row = Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
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

}  // namespace understudy
