#include "coordinator/storage/postgres_session.h"

#include <limits.h>
#include <unistd.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace understudy {
namespace {

// Commits wait for the disk even where the server's configuration says otherwise, and for replicas where it says so. A
// client that has vanished is given up within seconds; one that was stopped in a transaction, after a minute.
constexpr char kSetUp[] =
    "SELECT set_config('synchronous_commit', 'on', false)"
    "  WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');"
    "SET idle_in_transaction_session_timeout = '60s';"
    "SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 3;"
    "SET tcp_user_timeout = '5s'";

void Ignore(void*, const char*) {}

// Without what follows the first line: where in a statement it was, and hints.
std::string OneLine(const std::string& text) {
  return std::string(absl::StripAsciiWhitespace(text.substr(0, text.find('\n'))));
}

// SQLSTATE, as in PostgreSQL's appendix A.
absl::StatusCode CodeOf(const std::string& state) {
  if (absl::StartsWith(state, "22")) return absl::StatusCode::kInvalidArgument;
  if (absl::StartsWith(state, "23")) return absl::StatusCode::kAlreadyExists;
  if (state == "53100" || state == "53200" || absl::StartsWith(state, "54"))
    return absl::StatusCode::kResourceExhausted;
  if (state == "42501" || absl::StartsWith(state, "28")) return absl::StatusCode::kPermissionDenied;
  if (state == "XX001" || state == "XX002") return absl::StatusCode::kDataLoss;
  return absl::StatusCode::kUnavailable;
}

std::string StateOf(const PGresult* result) {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return state == nullptr ? "" : state;
}

}  // namespace

absl::StatusOr<PostgresSession> ConnectPostgres(const std::string& url, const std::string& application) {
  // What comes after the URL wins over it, what comes before gives way.
  const char* const keywords[] = {"connect_timeout",  "keepalives_idle",  "keepalives_interval",
                                  "keepalives_count", "tcp_user_timeout", "dbname",
                                  "application_name", "client_encoding",  nullptr};
  const char* const values[] = {"3", "2", "1", "3", "5000", url.c_str(), application.c_str(), "UTF8", nullptr};
  PostgresSession session(PQconnectdbParams(keywords, values, /*expand_dbname=*/1));
  if (session == nullptr) return absl::UnavailableError("out of memory");
  if (PQstatus(session.get()) != CONNECTION_OK) return absl::UnavailableError(OneLine(PQerrorMessage(session.get())));
  PQsetNoticeProcessor(session.get(), Ignore, nullptr);
  const PostgresResult set_up(PQexec(session.get(), kSetUp));
  if (!Succeeded(set_up.get())) return absl::UnavailableError(OneLine(PQerrorMessage(session.get())));
  return session;
}

bool Succeeded(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

absl::Status PostgresError(const PGconn* session, const PGresult* result, const std::string& operation,
                           const std::string& name) {
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string reason = OneLine(primary != nullptr ? primary : PQerrorMessage(session));
  const absl::StatusCode code =
      PQstatus(session) == CONNECTION_OK ? CodeOf(StateOf(result)) : absl::StatusCode::kUnavailable;
  return absl::Status(code, absl::StrCat("cannot ", operation, ": ", reason, ", in ", name));
}

bool IsSessionOver(const PGconn* session, const PGresult* result) {
  const std::string state = StateOf(result);
  // Without a code it is not the server's error, but libpq's, which may still call the session good.
  return PQstatus(session) != CONNECTION_OK || state.empty() || absl::StartsWith(state, "08") ||
         absl::StartsWith(state, "57P") || state == "25006";
}

std::string ProcessText() {
  char host[HOST_NAME_MAX + 1] = "";
  gethostname(host, HOST_NAME_MAX);
  return absl::StrCat("process ", getpid(), " on ", host);
}

}  // namespace understudy
