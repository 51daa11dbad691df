#include "learner/group/rank_reports.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/rollouts/accounting.h"

namespace understudy {

absl::StatusOr<std::vector<v1::RankReport>> ExchangeReports(LearnerGroup& group, const v1::RankReport& mine) {
  const auto gathered = group.Gather(mine.SerializeAsString());
  if (!gathered.ok()) return gathered.status();
  std::vector<v1::RankReport> reports(gathered->size());
  for (size_t rank = 0; rank < reports.size(); ++rank) {
    if (reports[rank].ParseFromString((*gathered)[rank])) continue;
    return absl::InternalError(absl::StrCat("rank ", rank, " sent no RankReport"));
  }
  return reports;
}

v1::TrajectoryAccounting TrajectoriesOfOthers(const std::vector<v1::RankReport>& reports, int rank) {
  v1::TrajectoryAccounting others;
  for (size_t other = 0; other < reports.size(); ++other) {
    if (static_cast<int>(other) != rank) others = Sum(std::move(others), reports[other].trajectories());
  }
  return others;
}

}  // namespace understudy
