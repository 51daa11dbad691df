// A session of a PostgreSQL server: libpq's functions with owners for what they return and statuses for their errors.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_SESSION_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_SESSION_H_

#include <libpq-fe.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace understudy {

struct FreePostgres {
  void operator()(PGconn* session) const { PQfinish(session); }
  void operator()(PGresult* result) const { PQclear(result); }
};
using PostgresSession = std::unique_ptr<PGconn, FreePostgres>;
using PostgresResult = std::unique_ptr<PGresult, FreePostgres>;

// Connects to the first server of the URL that answers. Blocks for some seconds for each server. Commits of the session
// wait for the disk. `application` is what the server shows as the session's name.
// UNAVAILABLE: gives the server's reason.
absl::StatusOr<PostgresSession> ConnectPostgres(const std::string& url, const std::string& application);

// Returns whether the statement succeeded: the result is rows, or a command that was done.
bool Succeeded(const PGresult* result);

// Returns why a statement failed. The message is "cannot `operation`: …, in `name`".
// RESOURCE_EXHAUSTED: disk full, or too big. DATA_LOSS: damaged. PERMISSION_DENIED. ALREADY_EXISTS: a constraint.
// INVALID_ARGUMENT: a value that cannot be stored, such as text with a zero in it. UNAVAILABLE: anything else, also the
// session's end.
absl::Status PostgresError(const PGconn* session, const PGresult* result, const std::string& operation,
                           const std::string& name);

// Returns whether a failure means that the session is of no use any more. Either it has ended, or the server takes no
// changes, as a server that was replaced by another.
bool IsSessionOver(const PGconn* session, const PGresult* result);

// Returns this process as "process 123 on host".
std::string ProcessText();

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_SESSION_H_
