// Moves all that a coordinator has stored to another place.
#ifndef UNDERSTUDY_CLI_STORE_MIGRATION_H_
#define UNDERSTUDY_CLI_STORE_MIGRATION_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace understudy {

struct MigrationSummary {
  std::vector<std::pair<std::string, int64_t>> rows;  // by table
  int64_t datasets = 0;                               // verified, all bytes of them
  int64_t policies = 0;
  int64_t checkpoints = 0;
};

// `from`, `to`: sqlite:DIR, a data directory (or the file in it), or a URL of PostgreSQL; the target is made where
// there is none, and must be empty (FAILED_PRECONDITION). Both are held exclusively meanwhile. Everything is copied at
// once: interrupted, the target is as empty as before, and the same can be done again. Then all that is in the target
// is read and checked against its digests: DATA_LOSS names what is damaged. The source stays as it is. `progress` is
// told a line now and then.
absl::StatusOr<MigrationSummary> MigrateStore(const std::string& from, const std::string& to,
                                              const std::function<void(const std::string& line)>& progress);

// What is wrong with such a place, as CLI11 wants it.
std::string CheckStorePlace(const std::string& place);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_STORE_MIGRATION_H_
