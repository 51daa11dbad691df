// A session of a PostgreSQL server: libpq's functions with owners for what they return and statuses for their errors.
// Also converts parameters and rows to and from PostgreSQL's binary formats.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_SESSION_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_SESSION_H_

#include <libpq-fe.h>

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

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

// A statement's parameters, in order.
class PostgresParameters {
 public:
  void Clear() { parameters_.clear(); }
  void AddInt64(int64_t value);
  void AddDouble(double value);
  // Text and bytes are not copied.
  void AddText(std::string_view text);
  void AddBytes(std::string_view bytes);
  void AddNull();

  PGresult* Prepare(PGconn* session, const std::string& name, const std::string& sql) const;
  PGresult* Run(PGconn* session, const std::string& name) const;

 private:
  struct Parameter {
    Oid type;
    std::string_view value;
    bool null = false;
    std::array<char, 8> number = {};  // the bytes of `value`, where that is a number
  };
  void AddNumber(Oid type, uint64_t bits);

  std::deque<Parameter> parameters_;  // a deque, because `value` may point into `number`
};

// Turns "a = ? AND b = ?" into "a = $1 AND b = $2".
std::string NumberParameters(std::string_view sql);

// Returns an integer of a binary result; NULL is 0.
int64_t PostgresInt64(const PGresult* result, int row, int column);
// Returns a floating-point number of a binary result; NULL is 0.
double PostgresDouble(const PGresult* result, int row, int column);
// Returns text or bytes of a binary result; NULL is empty.
std::string_view PostgresBytes(const PGresult* result, int row, int column);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_SESSION_H_
