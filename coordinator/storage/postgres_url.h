// Addresses of PostgreSQL databases, as libpq takes them:
// postgresql://[USER[:PASSWORD]@]HOST[:PORT][,…]/DATABASE[?KEY=VALUE&…]. Passwords may as well come from PGPASSWORD or
// ~/.pgpass, and encryption from `sslmode`, `sslrootcert` and so on.
#ifndef UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_URL_H_
#define UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_URL_H_

#include <string>

#include "absl/status/statusor.h"

namespace understudy {

// Returns whether the text is such an address, by its beginning.
bool IsPostgresUrl(const std::string& text);

// Returns the address for logs and messages, without password and without parameters that could hold a secret.
// INVALID_ARGUMENT: this is no such address. The message does not repeat it.
absl::StatusOr<std::string> DescribePostgresUrl(const std::string& url);

}  // namespace understudy

#endif  // UNDERSTUDY_COORDINATOR_STORAGE_POSTGRES_URL_H_
