// Stages and learners that a planner is tested with, and what it tells whom.
#ifndef UNDERSTUDY_TESTS_COORDINATOR_SCHEDULING_PLANNED_STAGES_H_
#define UNDERSTUDY_TESTS_COORDINATOR_SCHEDULING_PLANNED_STAGES_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "coordinator/scheduling/assignment_planner.h"

namespace understudy::testing {

inline const absl::Time kStart = absl::FromUnixSeconds(1'000'000);
inline constexpr int64_t kIncarnation = 3;

inline absl::Time After(double seconds) { return kStart + absl::Seconds(seconds); }

inline StageId Stage(const std::string& experiment) { return {.experiment = experiment, .stage = 0}; }

inline StageDemand Learners(int learners) { return {.learners = learners, .actors = true}; }

inline void AddLearners(AssignmentPlanner& planner, const std::vector<std::string>& learners) {
  for (const std::string& learner : learners) planner.AddWorker(learner, Role::kLearner);
}

inline std::vector<std::string> WorkersOf(const std::vector<Placement>& placements) {
  std::vector<std::string> workers;
  for (const Placement& placement : placements) workers.push_back(placement.worker);
  return workers;
}

inline Placement PlacementOf(const std::vector<Placement>& placements, const std::string& worker) {
  for (const Placement& placement : placements) {
    if (placement.worker == worker) return placement;
  }
  ADD_FAILURE() << worker << " is told nothing";
  return {};
}

}  // namespace understudy::testing

#endif  // UNDERSTUDY_TESTS_COORDINATOR_SCHEDULING_PLANNED_STAGES_H_
