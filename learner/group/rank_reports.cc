#include "learner/group/rank_reports.h"

#include "absl/strings/str_cat.h"

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

}  // namespace understudy
