// What ranks tell each other at the end of an iteration.
#ifndef UNDERSTUDY_LEARNER_GROUP_RANK_REPORTS_H_
#define UNDERSTUDY_LEARNER_GROUP_RANK_REPORTS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "learner/group/learner_group.h"
#include "understudy/v1/ranks.pb.h"

namespace understudy {

// Every rank's report, from rank 0 on. The group's errors; INTERNAL: a rank sent something else.
absl::StatusOr<std::vector<v1::RankReport>> ExchangeReports(LearnerGroup& group, const v1::RankReport& mine);

// What became of the trajectories of all ranks but one.
v1::TrajectoryAccounting TrajectoriesOfOthers(const std::vector<v1::RankReport>& reports, int rank);

}  // namespace understudy

#endif  // UNDERSTUDY_LEARNER_GROUP_RANK_REPORTS_H_
