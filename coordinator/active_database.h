// A coordinator's database that others may be waiting for: how one becomes the active coordinator, and stops being it.
#ifndef UNDERSTUDY_COORDINATOR_ACTIVE_DATABASE_H_
#define UNDERSTUDY_COORDINATOR_ACTIVE_DATABASE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/process/process.h"
#include "coordinator/storage/sql_store.h"

namespace understudy {

// Stands by until no other process holds the database of that URL, then calls `serve` with its store, which returns the
// signal that has ended it, soon after that has come. Where the database is lost meanwhile, to another coordinator or
// because it cannot be reached, `signals` are woken without a signal, and it stands by again; so it does when `serve`
// returns UNAVAILABLE. It ends with a signal, with OK, or with another error of `serve` or of opening the store.
// INVALID_ARGUMENT: no URL of PostgreSQL. UNAVAILABLE: the database cannot be reached, and never could.
absl::Status ServeWhileActive(const std::string& url, TerminationSignals& signals,
                              const std::function<absl::StatusOr<int>(SqlStore& store)>& serve);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_ACTIVE_DATABASE_H_
