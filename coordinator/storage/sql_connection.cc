#include "coordinator/storage/sql_connection.h"

namespace understudy {

SqlStatement& SqlStatement::BindValues(const std::vector<SqlValue>& values) {
  if (prepared_ == nullptr) return *this;
  prepared_->Reset();
  int index = 0;
  for (const SqlValue& value : values) {
    std::visit([&](const auto& one) { BindOne(++index, one); }, value);
  }
  return *this;
}

absl::Status SqlStatement::Run() {
  while (true) {
    const absl::StatusOr<bool> row = Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
  }
}

}  // namespace understudy
