// One session of a PostgreSQL server, as libpq gives it, and its errors as statuses.
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

// Connects to the first server of the URL that answers; blocks for some seconds for each of them. Commits of the
// session wait for the disk. `application`: what the server shows as the session's name. UNAVAILABLE gives the server's
// reason.
absl::StatusOr<PostgresSession> ConnectPostgres(const std::string& url, const std::string& application);

// Whether a result is rows, or a command that was done.
bool Succeeded(const PGresult* result);

// Why one failed: RESOURCE_EXHAUSTED (disk full, too big), DATA_LOSS (damaged), PERMISSION_DENIED, ALREADY_EXISTS (a
// constraint), INVALID_ARGUMENT (a value that cannot be stored: text with a zero in it), UNAVAILABLE (anything else,
// the session's end too). "cannot `operation`: …, in `name`".
absl::Status PostgresError(const PGconn* session, const PGresult* result, const std::string& operation,
                           const std::string& name);

// Whether one that failed means that the session is no use any more: it has ended, or the server takes no changes, as
// one does that another has replaced.
bool IsSessionOver(const PGconn* session, const PGresult* result);

// "process 123 on host", of this process.
std::string ProcessText();

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_SESSION_H_
