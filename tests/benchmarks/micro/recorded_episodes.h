// Real demonstrations to measure with: their bytes compress, and their numbers are spread, as in use.
#ifndef UNDERSTUDY_TESTS_BENCHMARKS_MICRO_RECORDED_EPISODES_H_
#define UNDERSTUDY_TESTS_BENCHMARKS_MICRO_RECORDED_EPISODES_H_

#include "common/trajectory/trajectory_layout.h"
#include "understudy/v1/trajectory.pb.h"

namespace understudy::benchmarks {

// Episodes 0 … 31 of CartPole-v1 as an actor sends them, made with testing::BalancingExpert on the first call: most
// have 500 transitions.
const v1::TrajectoryBatch& RecordedEpisodes();
BatchExpectation RecordedExpectation();

int64_t CountTransitions(const v1::TrajectoryBatch& batch);

}  // namespace understudy::benchmarks

#endif  // UNDERSTUDY_TESTS_BENCHMARKS_MICRO_RECORDED_EPISODES_H_
