// How a coordinator on PostgreSQL becomes the active one of several, and stands by until then.
#ifndef UNDERSTUDY_COORDINATOR_ACTIVE_DATABASE_H_
#define UNDERSTUDY_COORDINATOR_ACTIVE_DATABASE_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/process/process.h"
#include "coordinator/storage/sql_store.h"

namespace understudy {

// Stands by until no other process holds the database at `url`, and then calls `serve` with its store. `serve` works
// until `signals` wake it, and returns the signal that came. If the database is lost, because another coordinator took
// it or it cannot be reached, `signals` are woken without a signal. This function then stands by again, as it does when
// `serve` returns UNAVAILABLE. It returns OK after a signal.
// INVALID_ARGUMENT: `url` is no URL of PostgreSQL. UNAVAILABLE: the database could never be reached. Otherwise an error
// of `serve`, or of opening the store.
absl::Status ServeWhileActive(const std::string& url, TerminationSignals& signals,
                              const std::function<absl::StatusOr<int>(SqlStore& store)>& serve);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_ACTIVE_DATABASE_H_
