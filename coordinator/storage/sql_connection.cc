#include "coordinator/storage/sql_connection.h"

namespace understudy {

absl::Status SqlStatement::Run() {
  while (true) {
    const absl::StatusOr<bool> row = Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
  }
}

}  // namespace understudy
