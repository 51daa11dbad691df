// Copies everything that a coordinator has stored to another place, and verifies the copy.
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

// Copies a store. `from` and `to` are sqlite:DIR (a data directory, or the file in it) or a URL of PostgreSQL. The
// target is made if there is none, and must be empty. Both are held exclusively meanwhile, and the source stays as it
// is.
//
// Everything is copied at once: if the copying is interrupted, the target is as empty as before, and the copying can be
// done again. Then everything in the target is read and checked against its digests. `progress` gets a line now and
// then.
// FAILED_PRECONDITION: the target is not empty. DATA_LOSS: names what is damaged. Others: OpenStore's and the stores'.
absl::StatusOr<MigrationSummary> MigrateStore(const std::string& from, const std::string& to,
                                              const std::function<void(const std::string& line)>& progress);

// Returns what is wrong with such a place, as CLI11 wants it; "" if nothing is.
std::string CheckStorePlace(const std::string& place);

}  // namespace understudy

#endif  // UNDERSTUDY_CLI_STORE_MIGRATION_H_
