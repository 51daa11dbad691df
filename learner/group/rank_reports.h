// Exchanges what ranks tell each other at the end of an iteration.
#ifndef UNDERSTUDY_LEARNER_GROUP_RANK_REPORTS_H_
#define UNDERSTUDY_LEARNER_GROUP_RANK_REPORTS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "learner/group/learner_group.h"
#include "understudy/v1/ranks.pb.h"

namespace understudy {

// Gives this rank's report to all ranks, and returns all reports, from rank 0 on.
// Errors: the group's; INTERNAL if a rank sent something else.
absl::StatusOr<std::vector<v1::RankReport>> ExchangeReports(LearnerGroup& group, const v1::RankReport& mine);

// Returns the sum of the counts of all ranks except `rank`.
v1::TrajectoryAccounting TrajectoriesOfOthers(const std::vector<v1::RankReport>& reports, int rank);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_GROUP_RANK_REPORTS_H_
