#include "coordinator/storage/postgres_database.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/storage/postgres_url.h"

namespace understudy {

absl::StatusOr<std::unique_ptr<PostgresDatabase>> PostgresDatabase::Open(
    const std::string& url, std::unique_ptr<PostgresLock> lock, std::function<void(const absl::Status&)> on_lost) {
  std::unique_ptr<PostgresDatabase> database(new PostgresDatabase);
  database->lock_ = std::move(lock);
  database->lock_->Keep(database->fence_, std::move(on_lost));
  auto store = PostgresStore::Open(url, database->fence_);
  if (!store.ok()) return store.status();
  database->store_ = *std::move(store);
  return database;
}

absl::StatusOr<std::unique_ptr<PostgresDatabase>> PostgresDatabase::OpenNow(const std::string& url) {
  auto lock = PostgresLock::Connect(url);
  if (!lock.ok()) return lock.status();
  const absl::StatusOr<std::string> holder = (*lock)->TryTake();
  if (!holder.ok()) return holder.status();
  if (!holder->empty()) {
    return absl::UnavailableError(absl::StrCat(DescribePostgresUrl(url).value(), " is in use by ", *holder));
  }
  return Open(url, *std::move(lock), [](const absl::Status&) {});
}

}  // namespace understudy
