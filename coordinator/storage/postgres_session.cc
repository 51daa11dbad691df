#include "coordinator/storage/postgres_session.h"

#include <limits.h>
#include <unistd.h>

#include <bit>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

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

// Why there is no connection. libpq writes a line for each address that it tried. Its hints stand behind a tab; those
// of servers have a name.
std::string WhyNotConnected(const PGconn* session) {
  std::vector<std::string> reasons;
  for (const absl::string_view line : absl::StrSplit(PQerrorMessage(session), '\n', absl::SkipWhitespace())) {
    const bool hint = line.front() == '\t' || absl::StartsWith(line, "DETAIL:") || absl::StartsWith(line, "HINT:");
    if (!hint) reasons.emplace_back(absl::StripAsciiWhitespace(line));
  }
  return absl::StrJoin(reasons, "; ");
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

// PostgreSQL's numbers of types, which never change.
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kText = 25;
constexpr Oid kFloat8 = 701;

constexpr int kBinary = 1;

// Most significant byte first, sign extended.
int64_t SignedNumber(std::string_view bytes) {
  uint64_t bits = !bytes.empty() && static_cast<signed char>(bytes[0]) < 0 ? ~uint64_t{0} : 0;
  for (const char byte : bytes) bits = bits << 8 | static_cast<unsigned char>(byte);
  return static_cast<int64_t>(bits);
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
  if (PQstatus(session.get()) != CONNECTION_OK) return absl::UnavailableError(WhyNotConnected(session.get()));
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

void PostgresParameters::AddNumber(Oid type, uint64_t bits) {
  Parameter& added = parameters_.emplace_back(Parameter{.type = type, .value = {}});
  for (int i = 0; i < 8; ++i) added.number[i] = static_cast<char>(bits >> (56 - 8 * i));
  added.value = {added.number.data(), added.number.size()};
}

void PostgresParameters::AddInt64(int64_t value) { AddNumber(kInt8, static_cast<uint64_t>(value)); }

void PostgresParameters::AddDouble(double value) { AddNumber(kFloat8, std::bit_cast<uint64_t>(value)); }

void PostgresParameters::AddText(std::string_view text) { parameters_.push_back({.type = kText, .value = text}); }

void PostgresParameters::AddBytes(std::string_view bytes) { parameters_.push_back({.type = kBytea, .value = bytes}); }

void PostgresParameters::AddNull() { parameters_.push_back({.type = 0, .value = {}, .null = true}); }

PGresult* PostgresParameters::Prepare(PGconn* session, const std::string& name, const std::string& sql) const {
  std::vector<Oid> types;
  for (const Parameter& parameter : parameters_) types.push_back(parameter.type);
  return PQprepare(session, name.c_str(), sql.c_str(), static_cast<int>(types.size()), types.data());
}

PGresult* PostgresParameters::Run(PGconn* session, const std::string& name) const {
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const Parameter& parameter : parameters_) {
    // A null pointer is NULL.
    values.push_back(parameter.null ? nullptr : parameter.value.empty() ? "" : parameter.value.data());
    lengths.push_back(static_cast<int>(parameter.value.size()));
  }
  const std::vector<int> formats(parameters_.size(), kBinary);
  return PQexecPrepared(session, name.c_str(), static_cast<int>(values.size()), values.data(), lengths.data(),
                        formats.data(), kBinary);
}

std::string NumberParameters(std::string_view sql) {
  std::string numbered;
  int number = 0;
  for (const char c : sql) {
    if (c == '?') {
      absl::StrAppend(&numbered, "$", ++number);
    } else {
      numbered.push_back(c);
    }
  }
  return numbered;
}

int64_t PostgresInt64(const PGresult* result, int row, int column) {
  return SignedNumber(PostgresBytes(result, row, column));
}

double PostgresDouble(const PGresult* result, int row, int column) {
  return std::bit_cast<double>(SignedNumber(PostgresBytes(result, row, column)));
}

std::string_view PostgresBytes(const PGresult* result, int row, int column) {
  return {PQgetvalue(result, row, column), static_cast<size_t>(PQgetlength(result, row, column))};
}

}  // namespace understudy
