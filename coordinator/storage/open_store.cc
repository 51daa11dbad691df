#include "coordinator/storage/open_store.h"

#include <utility>

#include "coordinator/storage/postgres_store.h"
#include "coordinator/storage/postgres_url.h"

namespace understudy {
namespace {

// The store, which keeps its holder alive.
template <typename Holder>
absl::StatusOr<std::shared_ptr<SqlStore>> StoreOf(absl::StatusOr<std::unique_ptr<Holder>> held) {
  if (!held.ok()) return held.status();
  const std::shared_ptr<Holder> holder = *std::move(held);
  return std::shared_ptr<SqlStore>(holder, &holder->store());
}

}  // namespace

absl::StatusOr<std::shared_ptr<SqlStore>> OpenStore(const std::string& place, DataDirectory::Mode mode) {
  if (!IsPostgresUrl(place)) return StoreOf(DataDirectory::Open(place, mode));
  if (mode == DataDirectory::Mode::kCreate) return StoreOf(PostgresDatabase::OpenNow(place));
  // Only a store that is there.
  absl::StatusOr<std::unique_ptr<PostgresStore>> reader = PostgresStore::OpenForReading(place);
  if (!reader.ok()) return reader.status();
  if (mode == DataDirectory::Mode::kWrite) return StoreOf(PostgresDatabase::OpenNow(place));
  return *std::move(reader);
}

}  // namespace understudy
