#include "coordinator/storage/postgres_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/storage/postgres_connection.h"
#include "coordinator/storage/postgres_url.h"
#include "coordinator/storage/schema.h"

namespace understudy {
namespace {

constexpr char kReader[] = "understudy-reader ";

}  // namespace

absl::StatusOr<std::unique_ptr<PostgresStore>> PostgresStore::Open(const std::string& url,
                                                                   std::shared_ptr<StoreFence> fence) {
  auto writer = PostgresConnection::Open({.url = url, .application = kPostgresWriter + ProcessText()}, fence);
  if (!writer.ok()) return writer.status();
  const absl::StatusOr<bool> made = (*writer)->HasTable("migrations");
  if (!made.ok()) return made.status();
  const absl::Status status =
      *made ? UpgradeSchema(**writer, PostgresMigrations()) : CreateSchema(**writer, PostgresMigrations());
  if (!status.ok()) return status;
  auto reader = PostgresConnection::Open({.url = url, .application = kReader + ProcessText()}, fence);
  if (!reader.ok()) return reader.status();
  std::unique_ptr<PostgresStore> store(new PostgresStore(*std::move(writer), *std::move(reader), std::move(fence)));
  if (const auto incarnation = store->NextIncarnation(); !incarnation.ok()) return incarnation.status();
  return store;
}

absl::StatusOr<std::unique_ptr<PostgresStore>> PostgresStore::OpenForReading(const std::string& url) {
  auto fence = std::make_shared<StoreFence>();
  auto reader = PostgresConnection::Open({.url = url, .application = kReader + ProcessText()}, fence);
  if (!reader.ok()) return reader.status();
  const absl::StatusOr<bool> made = (*reader)->HasTable("migrations");
  if (!made.ok()) return made.status();
  if (!*made) return absl::NotFoundError(absl::StrCat("there is no store in ", (*reader)->name()));
  if (absl::Status status = CheckSchema(**reader, PostgresMigrations()); !status.ok()) return status;
  return std::unique_ptr<PostgresStore>(new PostgresStore(nullptr, *std::move(reader), std::move(fence)));
}

absl::StatusOr<int64_t> PostgresStore::NextIncarnation() {
  const absl::StatusOr<int64_t> incarnation = SqlStore::NextIncarnation();
  if (incarnation.ok()) fence_->SetIncarnation(*incarnation);
  return incarnation;
}

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
