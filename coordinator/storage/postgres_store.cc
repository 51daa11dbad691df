#include "coordinator/storage/postgres_store.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/storage/postgres_connection.h"
#include "coordinator/storage/postgres_lock.h"
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

}  // namespace understudy
